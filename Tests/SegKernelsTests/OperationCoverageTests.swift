import Foundation
import SegKernels
import SegOperationTable
import SegTestSupport
import XCTest

/// Nothing is left out: every operation that the sources declare is in the operation table and in PyTorch's fixtures.
final class OperationCoverageTests: XCTestCase {
  /// Every type that conforms to `TensorOperation`, and every case of those that are a family, is applied by some row.
  func testEveryOperationIsAppliedByARow() throws {
    var types: Set<String> = [], names: Set<String> = []
    for row in OperationTable.cases where !OperationTable.notCapturable.contains(row.operation) {
      for node in captured(row).nodes {
        types.insert("\(type(of: node.operation))")
        names.insert(node.operation.name)
      }
    }
    var declared: Set<String> = [], families: Set<String> = []
    for source in try sources("Sources/SegKernels") {
      for match in source.matches(of: #/(?:struct|enum) (\w+): (?:\w+, )*(?:Tensor|Blocked)Operation \{/#) {
        declared.insert(String(match.1))
      }
      for match in source.matches(of: #/enum \w+: String, (?:Tensor|Blocked)Operation \{\s+case ([\w, ]+)/#) {
        families.formUnion(match.1.split(separator: ", ").map(String.init))
      }
    }
    XCTAssertGreaterThan(declared.count, 25)
    XCTAssertGreaterThan(families.count, 20)
    XCTAssertEqual(declared.subtracting(types), [], "types of operations without a row")
    XCTAssertEqual(families.subtracting(names), [], "operations of a family without a row")
  }

  /// Every public function among the operations and losses is called by the table.
  func testEveryPublicFunctionIsCalledByTheTable() throws {
    let table = try sources("Sources/SegOperationTable", named: "Table+").joined()
    let words = Set(table.matches(of: #/\w+/#).map { String($0.output) })
    var functions: Set<String> = []
    for source in try sources("Sources/SegKernels/Ops") + sources("Sources/SegKernels/Losses") {
      functions.formUnion(source.matches(of: #/public func (\w+)\(/#).map { String($0.1) })
    }
    XCTAssertGreaterThan(functions.count, 50)
    // Methods of types that are no operations.
    functions.subtract(["callAsFunction", "coefficients"])
    XCTAssertEqual(functions.subtracting(words), [], "functions that no row calls")
  }

  /// Every operation of the table has a case that PyTorch computed.
  func testEveryRowHasACaseOfPyTorch() throws {
    struct Case: Decodable { let operation: String }
    let fixtures = Set(try Fixtures.json("operations/operations.json", as: [Case].self).map(\.operation))
    // Some have one name here and several there.
    let parts = ["resize": "resizeBilinear", "batchNorm": "batchNormTraining"]
    let missing = Set(OperationTable.cases.map(\.operation)).filter { !fixtures.contains(parts[$0] ?? $0) }
    XCTAssertEqual(missing, [])
  }

  /// Every operation has a row for benchmarks; a reshape alone takes no time at any size.
  func testEveryOperationHasARowForTiming() {
    let timed = Set(OperationTable.timedCases.map(\.operation))
    XCTAssertEqual(Set(OperationTable.cases.map(\.operation)).subtracting(timed), ["reshape"])
  }

  /// A captured graph gives the bits of the function it was captured from.
  func testCapturedRowsGiveTheSameBits() {
    for row in OperationTable.cases where !OperationTable.notCapturable.contains(row.operation) {
      let inputs = row.makeInputs()
      XCTAssertEqual(bits(captured(row)(inputs)[0]), bits(row.run(inputs)), row.title)
    }
  }

  private func captured(_ row: OperationCase) -> Graph {
    Graph.capture(inputs: row.inputs.map(\.shape)) { [row.run($0)] }
  }

  /// The text of every Swift file in a folder of the package whose name starts with `prefix`.
  private func sources(_ folder: String, named prefix: String = "") throws -> [String] {
    let root = Fixtures.root.appendingPathComponent(folder)
    let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)!.compactMap { $0 as? URL }
    let wanted = files.filter { $0.pathExtension == "swift" && $0.lastPathComponent.hasPrefix(prefix) }
    return try wanted.map { try String(contentsOf: $0, encoding: .utf8) }
  }
}
