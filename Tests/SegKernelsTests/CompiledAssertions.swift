import SegKernels
import SegTestSupport
import XCTest

extension XCTestCase {
  /// Runs `body` at every instruction set that this processor has.
  func forEachLevel(_ body: (InstructionSet) -> Void) {
    for level in InstructionSet.allCases {
      guard level.isSupported else {
        print("skipped: this processor has no \(level)")
        continue
      }
      level.use { body(level) }
    }
  }

  /// Compiles a function and compares with the function itself, at every level; the bits must not depend on threads.
  ///
  /// - Parameter allowed: the operations that are left without a blocked form.
  func assertCompiled(
    _ title: String, _ shapes: [Shape], forcing algorithm: ConvolutionAlgorithm? = nil, tolerance: Double = 1e-5,
    plain allowed: [String] = [], _ body: ([Tensor]) -> [Tensor]
  ) {
    let inputs = shapes.enumerated().map { ReferenceRule.tensor("input \($0)", $1) }
    let expected = body(inputs)
    let graph = Graph.capture(inputs: shapes, body)
    forEachLevel { level in
      let program = Program(graph, forcing: algorithm)
      let plain = program.summary.filter { $0.hasPrefix("operation") }
      XCTAssertEqual(plain, allowed.map { "operation \($0)" }, "\(title) at \(level)")
      let session = program.makeSession()
      let single = Threads.with(1) { session(inputs) }
      for (index, (found, expected)) in zip(single, expected).enumerated() {
        assertClose(found, expected, tolerance: tolerance, "\(title) at \(level), output \(index)")
      }
      for threads in 2...3 {
        let several = Threads.with(threads) { session(inputs) }
        XCTAssertEqual(several.map(bits), single.map(bits), "\(title) at \(level), \(threads) threads")
      }
    }
  }
}
