import Foundation
import SegData
import SegImages
import SegTestSupport
import XCTest

final class FrameFolderTests: XCTestCase {
  func testFramesAreInTheOrderOfTheirNumbers() throws {
    let root = try Fixtures.temporaryFolder(self)
    for name in ["frame_10", "frame_9", "frame_2"] { try root.writeImage("\(name).png") }
    try root.writeText("notes.txt", "no frame")
    let video = try FrameFolder(root)
    XCTAssertEqual((0..<video.count).map(video.name), ["frame_2.png", "frame_9.png", "frame_10.png"])
    XCTAssertEqual(try video.image(at: 0).width, 2)
    let missing = problem { try FrameFolder(root.appendingPathComponent("none")) }
    XCTAssertTrue(missing.contains("none: expected a folder of frames"), missing)
    try FileManager.default.createDirectory(
      at: root.appendingPathComponent("empty"), withIntermediateDirectories: true)
    let empty = problem { try FrameFolder(root.appendingPathComponent("empty")) }
    XCTAssertTrue(empty.contains("expected frames as PNG or JPEG, found none"), empty)
  }

  func testRealFrames() throws {
    let video = try FrameFolder(Fixtures.researchData("video/bmx-trees"))
    XCTAssertEqual(video.count, 30)
    XCTAssertEqual(video.name(at: 29), "00029.jpg")
    let last = try video.image(at: 29)
    XCTAssertEqual([last.height, last.width], [240, 432])
  }
}
