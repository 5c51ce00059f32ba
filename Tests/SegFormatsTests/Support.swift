import Foundation
import SegFiles
import SegFormats
import SegKernels
import XCTest

/// Where the package lies.
let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// Files that torch, numpy and safetensors wrote; see `make_formats.py` there.
let fixtures = packageRoot.appendingPathComponent("Tests/Fixtures/formats")

/// What `expected.json` says of a fixture.
struct ExpectedArchive: Decodable {
  struct Array: Decodable {
    let name: String
    let kind: String
    let shape: [Int]
    let values: [Value]
  }

  /// A number, or the spelling of one that JSON lacks.
  enum Value: Decodable {
    case integer(Int64)
    case float(Float)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let integer = try? container.decode(Int64.self) {
        self = .integer(integer)
      } else if let number = try? container.decode(Double.self) {
        self = .float(Float(number))
      } else {
        self = .float(Float(try container.decode(String.self))!)
      }
    }

    var float: Float {
      switch self {
      case .integer(let value): return Float(value)
      case .float(let value): return value
      }
    }
  }

  let arrays: [Array]
  let metadata: [String: String]
  let wrapper: String?
  let leftOut: [String]

  static func all() throws -> [String: ExpectedArchive] {
    let json = try Data(contentsOf: fixtures.appendingPathComponent("expected.json"))
    return try JSONDecoder().decode([String: ExpectedArchive].self, from: json)
  }
}

/// Floats compared bit by bit, but for the payload of a NaN.
func assertSame(_ a: [Float], _ b: [Float], _ what: String, file: StaticString = #filePath, line: UInt = #line) {
  XCTAssertEqual(a.count, b.count, what, file: file, line: line)
  for (index, (x, y)) in zip(a, b).enumerated() where x.bitPattern != y.bitPattern && !(x.isNaN && y.isNaN) {
    XCTFail("\(what): element \(index) is \(x), expected \(y)", file: file, line: line)
  }
}

/// A folder of the test's own, removed afterwards.
func withTemporaryFolder(_ body: (URL) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("SegFormats-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder)
}

func names(in folder: URL) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
}

/// Expects an error whose line names the file and holds `part`.
func assertRefused(
  _ bytes: [UInt8], _ part: String, file: StaticString = #filePath, line: UInt = #line
) {
  assertFails(named: "hostile.bin", part, file: file, line: line) {
    _ = try readWeights(from: bytes, named: "hostile.bin")
  }
}

func assertFails(
  named name: String, _ part: String, file: StaticString = #filePath, line: UInt = #line, _ body: () throws -> Void
) {
  XCTAssertThrowsError(try body(), file: file, line: line) { error in
    let text = String(describing: error)
    XCTAssert(error is FileError, "\(type(of: error))", file: file, line: line)
    XCTAssert(text.contains(part), "expected '\(part)' in: \(text)", file: file, line: line)
    XCTAssert(text.contains(name), "expected the file's name in: \(text)", file: file, line: line)
    XCTAssertFalse(text.contains("\n"), text, file: file, line: line)
  }
}

extension Array where Element == UInt8 {
  /// The little-endian bytes of an integer.
  init(_ value: some FixedWidthInteger) { self = Swift.withUnsafeBytes(of: value.littleEndian) { Array($0) } }
}
