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

  /// Random bytes replaced in every fixture: any result is fine but a crash or a strange error.
  func testMutationsNeverCrash() throws {
    var random = RandomSource(seed: 3)
    let names = try FileManager.default.contentsOfDirectory(atPath: Fixtures.folder.path).sorted()
    for name in names where name.hasSuffix("png") || name.hasSuffix("jpg") {
      let whole = try Fixtures.bytes(name)
      for _ in 0..<150 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
        let readers: [([UInt8]) throws -> Void] = [
          { _ = try Image(data: $0, maximumPixels: 1 << 20) },
          { _ = try Labels(data: $0, maximumPixels: 1 << 20) },
        ]
        for read in readers {
          do { try read(bytes) } catch { XCTAssertTrue(error is FileError, "\(name): \(error)") }
        }
      }
    }
  }

  /// The same behind checksums made good again, so that the damage reaches the decoder.
  func testMutationsBehindGoodChecksumsNeverCrash() throws {
    var random = RandomSource(seed: 4)
    let names = try FileManager.default.contentsOfDirectory(atPath: Fixtures.folder.path).sorted()
    var readable = 0
    for name in names where name.hasSuffix("png") {
      let whole = try Fixtures.bytes(name)
      for _ in 0..<200 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          bytes[Int.random(in: 8..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        repairChecksums(&bytes)
        do {
          let image = try Image(data: bytes, maximumPixels: 1 << 20)
          XCTAssertEqual(image.pixels.count, 3 * image.width * image.height)
          readable += 1
        } catch { XCTAssertTrue(error is FileError, "\(name): \(error)") }
        do { _ = try Labels(data: bytes, maximumPixels: 1 << 20) } catch {
          XCTAssertTrue(error is FileError, "\(name): \(error)")
        }
      }
    }
    XCTAssertGreaterThan(readable, 100)  // palettes, gamma, transparency: damage that still is a picture
  }

  /// Writes the CRC that each chunk ought to have, as far as the lengths make sense.
  private func repairChecksums(_ bytes: inout [UInt8]) {
    var position = 8
    while position + 12 <= bytes.count {
      let length = bytes[position..<(position + 4)].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - position - 12 else { return }
      let end = position + 8 + length
      var crc: UInt32 = 0xFFFF_FFFF
      for byte in bytes[(position + 4)..<end] {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
      }
      for index in 0..<4 { bytes[end + index] = UInt8(truncatingIfNeeded: ~crc >> UInt32(24 - 8 * index)) }
      position = end + 4
    }
  }
}
