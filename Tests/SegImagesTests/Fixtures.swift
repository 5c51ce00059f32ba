import Foundation
import SegFiles
import SegImages
import SegKernels
import XCTest

/// What Pillow, NumPy and PyTorch read in Tests/Fixtures/images; see make_images.py there.
struct Fixtures: Decodable {
  struct Picture: Decodable {
    let width, height: Int
    let pixels: String
    var bytes: [UInt8] {
      let digits = Array(pixels.utf8)
      return stride(from: 0, to: digits.count, by: 2).map {
        UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)!
      }
    }
  }
  struct LabelPicture: Decodable {
    let width, height: Int
    let values: [Int32]
  }
  struct Resize: Decodable {
    let width, height: Int
    let pixels: String
    let nearest: [Int32]
    var bytes: [UInt8] { Picture(width: width, height: height, pixels: pixels).bytes }
  }
  let rgb: [String: Picture]
  let labels: [String: LabelPicture]
  let resize: [Resize]
  let normalized: [Float]

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/images")

  static func url(_ name: String) -> URL { folder.appendingPathComponent(name) }
  static func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: url(name))) }
  static func load() throws -> Fixtures {
    try JSONDecoder().decode(Fixtures.self, from: Data(contentsOf: url("expected.json")))
  }
}

/// The error that `body` throws, as text; fails unless it is an `FileError` of one line.
func imageError(
  _ note: String = "", file: StaticString = #filePath, line: UInt = #line, _ body: () throws -> some Any
) -> String {
  do {
    _ = try body()
    XCTFail("no error thrown \(note)", file: file, line: line)
  } catch let error as FileError {
    XCTAssertFalse(error.description.contains("\n"), file: file, line: line)
    return error.description
  } catch {
    XCTFail("\(error) \(note)", file: file, line: line)
  }
  return ""
}

/// A folder that is removed when the closure ends.
func withTemporaryFolder(_ body: (URL) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("SegImages-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder)
}
