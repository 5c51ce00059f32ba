import Foundation
import SegFormats
import SegKernels
import XCTest

/// Files that tests read.
public enum Fixtures {
  /// The package's root.
  public static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A file in Tests/Fixtures.
  public static func url(_ name: String) -> URL { root.appendingPathComponent("Tests/Fixtures/" + name) }

  /// The arrays of a fixture.
  public static func archive(_ name: String) throws -> WeightArchive { try readWeights(at: url(name)) }

  /// A JSON fixture.
  public static func json<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    try JSONDecoder().decode(type, from: Data(contentsOf: url(name)))
  }

  /// A file or folder of the research data, or a skipped test where they are not there: `SEGKERNELS_RESEARCH_DATA`, by
  /// default `../shared/data` beside the package.
  public static func researchData(_ name: String) throws -> URL {
    let place =
      ProcessInfo.processInfo.environment["SEGKERNELS_RESEARCH_DATA"].map { URL(fileURLWithPath: $0) }
      ?? root.deletingLastPathComponent().appendingPathComponent("shared/data")
    let url = place.appendingPathComponent(name)
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw XCTSkip("research data \(name) not found at \(place.path); set SEGKERNELS_RESEARCH_DATA to run this test")
    }
    return url
  }

  /// A new folder that is deleted when the test ends.
  public static func temporaryFolder(_ test: XCTestCase) throws -> URL {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("segkernels-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    test.addTeardownBlock { try? FileManager.default.removeItem(at: url) }
    return url
  }
}

/// Fails unless max |found − expected| ≤ tolerance × max |expected|, or × `floor` where that is larger. Returns the
/// relative difference.
@discardableResult
public func assertClose(
  _ found: Tensor, _ expected: Tensor, tolerance: Double, floor: Double = 1e-6,
  _ message: @autoclosure () -> String = "",
  file: StaticString = #filePath, line: UInt = #line
) -> Double {
  guard found.count == expected.count else {
    XCTFail("\(message()): shape \(found.shape), expected \(expected.shape)", file: file, line: line)
    return .infinity
  }
  let error = GradientCheck.Comparison(found.scalars, expected.scalars.map(Double.init)).relative(floor: floor)
  XCTAssertLessThanOrEqual(error, tolerance, message(), file: file, line: line)
  return error
}

/// The bits of every element: equal only where two results agree exactly.
public func bits(_ tensor: Tensor) -> [UInt32] { tensor.scalars.map(\.bitPattern) }
