import Foundation
import SegFiles
import SegImages
import SegKernels
import XCTest

final class WritingTests: XCTestCase {
  private let image = Image(width: 5, height: 3, pixels: (0..<45).map { UInt8($0 * 5) })

  func testWrittenFilesReadBack() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.png")
      try image.writePNG(to: url)
      XCTAssertEqual(try Image(contentsOf: url), image)

      let small = Labels([2, 3], [0, 1, 2, 20, 254, 255])
      try small.writeIndexedPNG(to: url, palette: .voc(count: 21), overwrite: true)
      XCTAssertEqual(try Labels(contentsOf: url), small)
      // The devkit's colours of classes 1, 2 and 20; those beyond the palette are black.
      XCTAssertEqual(
        try Image(contentsOf: url).pixels, [0, 0, 0, 128, 0, 0, 0, 128, 0, 0, 64, 128, 0, 0, 0, 0, 0, 0])
      try small.reshaped([1, 2, 3]).writeGray8PNG(to: url, overwrite: true)
      XCTAssertEqual(try Labels(contentsOf: url), small)

      let large = Labels([2, 2], [0, 1, 26_001, 65_535])
      try large.writeGray16PNG(to: url, overwrite: true)
      XCTAssertEqual(try Labels(contentsOf: url), large)

      let jpeg = folder.appendingPathComponent("a.jpg")
      let smooth = Image(width: 40, height: 30, filledWith: RGB(200, 100, 50))
      try smooth.writeJPEG(to: jpeg, quality: 95)
      let read = try Image(contentsOf: jpeg)
      XCTAssertLessThanOrEqual(zip(read.pixels, smooth.pixels).map { abs(Int($0) - Int($1)) }.max()!, 3)
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted(), ["a.jpg", "a.png"])
    }
  }

  func testLabelsThatDoNotFitAreAnError() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.png")
      XCTAssertTrue(imageError { try Labels([1, 1], [256]).writeGray8PNG(to: url) }.contains("found 256"))
      XCTAssertTrue(imageError { try Labels([1, 1], [-1]).writeGray16PNG(to: url) }.contains("found -1"))
      XCTAssertTrue(imageError { try Labels([0, 3], []).writeGray8PNG(to: url) }.contains("3x0"))
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), [])
    }
  }

  func testFilesAreNotOverwrittenUnasked() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.png")
      try image.writePNG(to: url)
      let before = try Data(contentsOf: url)
      XCTAssertTrue(imageError { try Image(width: 1, height: 1).writePNG(to: url) }.contains("exists already"))
      XCTAssertEqual(try Data(contentsOf: url), before)
      try Image(width: 1, height: 1).writePNG(to: url, overwrite: true)
      XCTAssertNotEqual(try Data(contentsOf: url), before)
    }
  }

  func testFoldersThatCannotBeWrittenSayWhy() throws {
    let missing = URL(fileURLWithPath: "/tmp/there-is-no-such-folder/a.png")
    let message = imageError { try image.writePNG(to: missing) }
    XCTAssertTrue(message.contains("/a.png: cannot create a file in its folder: No such file or directory"), message)
    let forbidden = URL(fileURLWithPath: "/proc/a.png")
    XCTAssertTrue(imageError { try image.writePNG(to: forbidden) }.contains("cannot "))
    try withTemporaryFolder { folder in
      XCTAssertTrue(imageError { try image.writePNG(to: folder, overwrite: true) }.contains("cannot "))
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), [])
    }
  }
}
