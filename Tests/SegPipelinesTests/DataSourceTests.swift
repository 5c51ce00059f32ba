import Foundation
import SegData
import SegFiles
import SegImages
import SegKernels
import SegPipelines
import SegTestSupport
import XCTest

/// Data sets by their names on the command line.
final class DataSourceTests: XCTestCase {
  func testEveryKindOpensItsReader() throws {
    // Without its files every kind must say what it misses: none is unknown, none is empty.
    let root = try Fixtures.temporaryFolder(self)
    for kind in DataSource.kinds where kind != "streets" {
      let source = try DataSource("\(kind):\(root.path)")
      XCTAssertThrowsError(try source.frames(split: "train") ?? source.dataset(split: "train"), kind) {
        XCTAssertTrue($0 is FileError, "\(kind): \($0)")
      }
    }
    XCTAssertThrowsError(try DataSource("voc").dataset(split: "val")) { XCTAssertTrue("\($0)".contains("voc:FOLDER")) }
    XCTAssertThrowsError(try DataSource("video:x").dataset(split: "")) {
      XCTAssertTrue("\($0)".contains("frames alone"))
    }
    XCTAssertThrowsError(try DataSource("folder:a,b,c")) { XCTAssertTrue("\($0)".contains("3 folders")) }
    XCTAssertThrowsError(try DataSource("vox:a")) { XCTAssertTrue("\($0)".contains("unknown kind of data 'vox'")) }
  }

  func testTwoFoldersOfOnesOwn() throws {
    let root = try Fixtures.temporaryFolder(self)
    for name in ["photos", "masks"] {
      try FileManager.default.createDirectory(at: root.appendingPathComponent(name), withIntermediateDirectories: false)
    }
    try Image(width: 2, height: 1).writePNG(to: root.appendingPathComponent("photos/a.png"))
    try Labels([1, 2], [3, 7]).writeGray8PNG(to: root.appendingPathComponent("masks/a.png"))
    try "sky\nroad\n".write(to: root.appendingPathComponent("classes.txt"), atomically: true, encoding: .utf8)
    try "3 1\n* 255\n".write(to: root.appendingPathComponent("mapping.txt"), atomically: true, encoding: .utf8)
    let source = try DataSource("folder:\(root.path)/photos,\(root.path)/masks")
    XCTAssertEqual(try source.dataset(split: "train").sample(at: 0).labels.values, [1, 255])
    let found = try Inspection(source, split: "train")
    XCTAssertEqual(found.classes.map(\.images), [0, 1])
    XCTAssertEqual(found.ignored, 0.5)
  }

  func testFramesWithoutLabelsAreInspected() throws {
    let root = try Fixtures.temporaryFolder(self)
    for frame in 0..<3 {
      try Image(width: 4, height: 2).writePNG(to: root.appendingPathComponent("\(frame).png"))
    }
    let sheet = root.appendingPathComponent("sheet.png")
    let found = try Inspection(DataSource("video:\(root.path)"), split: "train", sheet: sheet)
    XCTAssertEqual(found.images, 3)
    XCTAssertEqual(found.sizes, ["2×4": 3])
    XCTAssertTrue(found.classes.isEmpty)
    XCTAssertEqual(found.ignored, 0)
    XCTAssertTrue(FileManager.default.fileExists(atPath: sheet.path))
  }
}
