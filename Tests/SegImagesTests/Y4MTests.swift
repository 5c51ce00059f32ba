import Foundation
import SegFiles
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// YUV4MPEG2 streams: what is written is read, and what is broken says so.
final class Y4MTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws { folder = try SegTestSupport.Fixtures.temporaryFolder(self) }

  private func stream(_ bytes: [UInt8]) throws -> Y4MReader {
    let file = folder.appendingPathComponent(UUID().uuidString)
    try Data(bytes).write(to: file)
    let handle = try FileHandle(forReadingFrom: file)
    addTeardownBlock { try? handle.close() }
    return try Y4MReader(descriptor: handle.fileDescriptor, name: "stream")
  }

  private func written(_ header: Y4MHeader, _ body: (Y4MWriter) throws -> Void) throws -> [UInt8] {
    let file = folder.appendingPathComponent(UUID().uuidString)
    XCTAssertTrue(FileManager.default.createFile(atPath: file.path, contents: nil))
    let handle = try FileHandle(forWritingTo: file)
    try body(Y4MWriter(header, descriptor: handle.fileDescriptor, name: "stream"))
    try handle.close()
    return [UInt8](try Data(contentsOf: file))
  }

  private func smoothPicture(_ height: Int, _ width: Int) -> Image {
    var image = Image(width: width, height: height)
    for row in 0..<height {
      for column in 0..<width {
        image[row, column] = RGB(UInt8(40 + 2 * row), UInt8(30 + column), UInt8(200 - row - column))
      }
    }
    return image
  }

  /// Every subsampling and range, odd sizes: colours come back within the rounding of 8 bits (and of shared chroma).
  func testRoundTrip() throws {
    for chroma in [Y4MHeader.Chroma.c420, .c422, .c444] {
      for isFullRange in [false, true] {
        for (height, width) in [(1, 1), (5, 7), (16, 32)] {
          var header = Y4MHeader(width: width, height: height, chroma: chroma)
          header.isFullRange = isFullRange
          header.frameRate = (30_000, 1001)
          let image = smoothPicture(height, width)
          let bytes = try written(header) {
            try $0.write(image)
            try $0.write(Image(width: width, height: height, filledWith: .white))
          }
          let reader = try stream(bytes)
          XCTAssertEqual(reader.header, header)
          XCTAssertEqual(reader.header.frameRate?.seconds, 1001)
          let first = try XCTUnwrap(reader.next())
          XCTAssertTrue(first.startsStream)
          let tolerance = chroma == .c444 ? 3 : 6
          for (a, b) in zip(first.image.pixels, image.pixels) {
            XCTAssertLessThanOrEqual(abs(Int(a) - Int(b)), tolerance)
          }
          let second = try XCTUnwrap(reader.next())
          XCTAssertFalse(second.startsStream)
          XCTAssertTrue(second.image.pixels.allSatisfy { $0 >= 254 })
          XCTAssertNil(try reader.next())
        }
      }
    }
  }

  /// The numbers of ITU-R BT.601: black, white, red, and grey at the ends of limited range.
  func testColours() throws {
    func frame(_ words: String, _ samples: [UInt8]) throws -> Image {
      try XCTUnwrap(stream(Array("YUV4MPEG2 W1 H1 \(words)\nFRAME\n".utf8) + samples).next()).image
    }
    XCTAssertEqual(try frame("C444", [16, 128, 128]).pixels, [0, 0, 0])
    XCTAssertEqual(try frame("C444", [235, 128, 128]).pixels, [255, 255, 255])
    // Pure red is (81, 90, 240) in limited and (76, 85, 255) in full range.
    XCTAssertEqual(try frame("C444", [81, 90, 240]).pixels.map { Int($0) / 4 }, [63, 0, 0])
    XCTAssertEqual(try frame("C444 XCOLORRANGE=FULL", [76, 85, 255]).pixels.map { Int($0) / 4 }, [63, 0, 0])
    XCTAssertEqual(try frame("C420jpeg", [16, 128, 128]).pixels, [0, 0, 0])
  }

  func testLabels() throws {
    let labels = Labels([2, 3], [0, 1, 18, 255, 7, 2])
    var header = Y4MHeader(width: 3, height: 2, chroma: .mono)
    header.isFullRange = true
    let bytes = try written(header) {
      try $0.write(labels)
      XCTAssertThrowsError(try $0.write(Labels([2, 3], filledWith: 256)))
    }
    XCTAssertEqual(try XCTUnwrap(stream(bytes).next()).samples, [0, 1, 18, 255, 7, 2])
  }

  /// Streams that are cut off anywhere, change their size, or are none.
  func testDamage() throws {
    let header = Y4MHeader(width: 6, height: 4, chroma: .c420)
    let whole = try written(header) { for _ in 0..<2 { try $0.write(smoothPicture(4, 6)) } }
    let frame = 6 + 24 + 12, start = whole.count - 2 * frame
    for count in 0..<whole.count {
      var problem: (any Error)?, frames = 0
      do {
        let reader = try stream(Array(whole[..<count]))
        while try reader.next() != nil { frames += 1 }
      } catch {
        problem = error
        XCTAssertTrue(error is FileError && !"\(error)".contains("\n"), "\(error)")
      }
      let isWhole = count == start || count == start + frame
      XCTAssertEqual(problem == nil, isWhole, "\(count) of \(whole.count)")
      XCTAssertEqual(frames, count < start ? 0 : (count - start) / frame)
    }
    // Another stream behind it: of the same size it goes on, of another it does not.
    let twice = try stream(whole + whole)
    var starts: [Bool] = []
    while let frame = try twice.next() { starts.append(frame.startsStream) }
    XCTAssertEqual(starts, [true, false, true, false])
    let other = try written(Y4MHeader(width: 4, height: 4, chroma: .c420)) { try $0.write(smoothPicture(4, 4)) }
    let changing = try stream(whole + other)
    for _ in 0..<2 { XCTAssertNotNil(try changing.next()) }
    XCTAssertThrowsError(try changing.next()) {
      XCTAssertTrue("\($0)".contains("frame 2") && "\($0)".contains("6x4") && "\($0)".contains("4x4"), "\($0)")
    }
    for (text, word) in [
      ("", "nothing"), ("RIFF....\n", "Y4M"), ("YUV4MPEG2 W6\nFRAME\n", "W and H"), ("YUV4MPEG2 W0 H4\n", "W and H"),
      ("YUV4MPEG2 W99999999 H99999999\n", "99999999x99999999"), ("YUV4MPEG2 W4 H4 C420p10\n", "C420p10"),
      ("YUV4MPEG2 W4 H4 C411\n", "C411"), (String(repeating: "x", count: 5000), "line"),
    ] {
      XCTAssertThrowsError(try stream(Array(text.utf8)), text) { XCTAssertTrue("\($0)".contains(word), "\($0)") }
    }
    XCTAssertThrowsError(try { _ = try stream(Array("YUV4MPEG2 W1 H1 C444\nFRUME\n123".utf8)).next() }()) {
      XCTAssertTrue("\($0)".contains("FRUME"), "\($0)")
    }
  }
}
