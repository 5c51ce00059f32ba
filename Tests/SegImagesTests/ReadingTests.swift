import Foundation
import SegFiles
import SegImages
import SegKernels
import XCTest

final class ReadingTests: XCTestCase {
  func testPicturesAreReadAsPillowReadsThem() throws {
    let expected = try Fixtures.load().rgb
    XCTAssertGreaterThan(expected.count, 30)
    for (name, picture) in expected {
      let image = try Image(contentsOf: Fixtures.url(name))
      XCTAssertEqual([image.width, image.height], [picture.width, picture.height], name)
      // CMYK: Pillow rounds its product of inks another way.
      let tolerance = name.hasPrefix("cmyk") || name.hasPrefix("ycck") ? 2 : name.hasSuffix("jpg") ? 1 : 0
      let worst = zip(image.pixels, picture.bytes).map { abs(Int($0) - Int($1)) }.max() ?? 0
      XCTAssertLessThanOrEqual(worst, tolerance, name)
    }
  }

  func testLabelsKeepTheirNumbers() throws {
    for (name, picture) in try Fixtures.load().labels {
      let labels = try Labels(contentsOf: Fixtures.url(name))
      XCTAssertEqual(labels, Labels([picture.height, picture.width], picture.values), name)
    }
  }

  func testColourPicturesAreRefusedAsLabels() {
    for (name, word) in [
      ("rgb8.png", "RGB"), ("rgba8.png", "RGBA"), ("gray_alpha8.png", "grey and alpha"), ("gray.jpg", "JPEG"),
    ] {
      let message = imageError(name) { try Labels(contentsOf: Fixtures.url(name)) }
      XCTAssertTrue(message.contains(word) && message.contains(name), message)
    }
  }

  func testHeadersAreCheckedBeforeMemoryIsTaken() throws {
    for name in ["huge.png", "huge.jpg"] {
      let message = imageError { try Image(contentsOf: Fixtures.url(name)) }
      XCTAssertTrue(message.contains("50000x50000") && message.contains(name), message)
    }
    XCTAssertTrue(imageError { try Image(contentsOf: Fixtures.url("zero_width.png")) }.contains("Invalid IHDR"))
    XCTAssertTrue(imageError { try Image(contentsOf: Fixtures.url("zero_height.png")) }.contains("Invalid IHDR"))
    XCTAssertNoThrow(try Image(contentsOf: Fixtures.url("rgb8.png"), maximumPixels: 91))
    XCTAssertTrue(imageError { try Image(contentsOf: Fixtures.url("rgb8.png"), maximumPixels: 90) }.contains("13x7"))
    XCTAssertTrue(imageError { try Labels(contentsOf: Fixtures.url("gray8.png"), maximumPixels: 90) }.contains("13x7"))
  }

  func testUnreadableFilesSayWhy() throws {
    XCTAssertTrue(imageError { try Image(contentsOf: Fixtures.url("none.png")) }.contains("No such file"))
    XCTAssertTrue(imageError { try Image(contentsOf: Fixtures.folder) }.contains("folder"))
    XCTAssertTrue(imageError { try Image(contentsOf: URL(fileURLWithPath: "/dev/zero")) }.contains("regular file"))
    XCTAssertTrue(imageError { try Image(contentsOf: URL(string: "http://a.b/c.png")!) }.contains("file URL"))
    XCTAssertTrue(imageError { try Image(contentsOf: Fixtures.url("expected.json")) }.contains("PNG or JPEG"))
    XCTAssertTrue(imageError { try Image(data: [], name: "empty.png") }.hasPrefix("empty.png: expected"))
  }

  /// Some cameras leave bytes between the picture and its end; nothing of the picture is lost by that.
  func testStrayBytesBeforeTheEndAreRead() throws {
    let whole = try Fixtures.bytes("subsampled.jpg")
    let padded = whole.dropLast(2) + [0x11, 0x22, 0x33] + whole.suffix(2)
    XCTAssertEqual(try Image(data: Array(padded)), try Image(data: whole))
  }

  func testEveryTruncationIsAnError() throws {
    for name in ["rgb8.png", "palette8_interlaced.png", "gray16.png", "subsampled.jpg", "progressive.jpg", "cmyk.jpg"] {
      let whole = try Fixtures.bytes(name)
      // The last two bytes of a JPEG are its end marker, which decoders may do without.
      let end = name.hasSuffix("jpg") ? whole.count - 2 : whole.count
      for count in 0..<end {
        let note = "\(name) cut to \(count) of \(whole.count)"
        _ = imageError(note) { try Image(data: Array(whole[..<count]), name: name) }
      }
    }
  }

  func testChecksumErrorsAreErrors() throws {
    for name in ["rgb8.png", "rgb8_gamma_and_text.png"] {
      let whole = try Fixtures.bytes(name)
      for position in 8..<whole.count {
        var bytes = whole
        bytes[position] ^= 0x20
        XCTAssertThrowsError(try Image(data: bytes, name: name), "\(name) byte \(position)") {
          XCTAssertTrue($0 is FileError, "\($0)")
        }
      }
    }
  }
}
