import Foundation
import SegKernels
import SegOperationTable
import XCTest

/// Every row of the operation table against its definition in double precision.
final class OperationTableTests: XCTestCase {
  /// Results agree with the reference at every instruction set and number of threads, and the bits do not depend on
  /// the number of threads.
  func testForwardAgreesWithTheReference() {
    for level in InstructionSet.allCases {
      guard level.isSupported else {
        print("skipped: this processor has no \(level)")
        continue
      }
      level.use {
        for row in OperationTable.cases {
          let inputs = row.makeInputs()
          let expected = row.reference(inputs.map(ReferenceArray.init))
          let single = Threads.with(1) { row.run(inputs) }
          XCTAssertEqual(single.shape, expected.shape, "\(row.title) at \(level)")
          let error = GradientCheck.Comparison(single.scalars, expected.values).relative(floor: 1e-6)
          XCTAssertLessThanOrEqual(error, row.tolerance, "\(row.title) at \(level)")
          for threads in 2...3 {
            let several = Threads.with(threads) { row.run(inputs) }
            XCTAssertEqual(bits(several), bits(single), "\(row.title) at \(level), \(threads) threads")
          }
        }
      }
    }
  }

  /// Rows too large for the reference, one an operation: their bits do not depend on the number of threads either.
  func testLargeRowsDoNotDependOnTheNumberOfThreads() {
    var operations: Set<String> = []
    for row in OperationTable.timedCases where operations.insert(row.operation).inserted {
      let inputs = row.makeInputs()
      let single = Threads.with(1) { row.run(inputs) }
      XCTAssertTrue(single.withUnsafeBufferPointer { $0.contains { $0 != 0 } }, row.title)
      let several = Threads.with(2) { row.run(inputs) }
      XCTAssertEqual(
        single.withUnsafeBufferPointer { one in
          several.withUnsafeBufferPointer { memcmp(one.baseAddress!, $0.baseAddress!, 4 * one.count) }
        }, 0, row.title)
    }
  }

  /// Backward agrees with central differences of the reference, at every instruction set.
  func testGradientsAgreeWithDifferencesOfTheReference() {
    var checked: Set<String> = []
    for row in OperationTable.cases where row.checksGradient {
      let inputs = row.makeInputs()
      let shape = row.run(inputs).shape
      let cotangent = row.makeCotangent(shape)
      let expected = GradientCheck.numericalGradients(
        at: inputs.map(ReferenceArray.init), cotangent: ReferenceArray(cotangent), row.reference)
      for level in InstructionSet.allCases where level.isSupported {
        let found = level.use { valueAndGradient(at: inputs, cotangent: cotangent, row.run).gradients }
        for (index, (found, expected)) in zip(found, expected).enumerated() {
          let error = GradientCheck.Comparison(found.scalars, expected.values).relative()
          XCTAssertLessThanOrEqual(error, 1e-5, "\(row.title), input \(index), at \(level)")
        }
      }
      checked.insert(row.operation)
    }
    let expected = Set(OperationTable.cases.map(\.operation)).subtracting(OperationTable.notDifferentiable)
    XCTAssertEqual(checked, expected, "every operation has a row with a gradient")
  }

  /// Gradients have the same bits for any number of threads.
  func testGradientsDoNotDependOnTheNumberOfThreads() {
    for row in OperationTable.cases where !OperationTable.notDifferentiable.contains(row.operation) {
      let inputs = row.makeInputs()
      let cotangent = row.makeCotangent(row.run(inputs).shape)
      let runs = [1, 2, 3].map { threads in
        Threads.with(threads) { valueAndGradient(at: inputs, cotangent: cotangent, row.run).gradients.map(bits) }
      }
      XCTAssertEqual(runs[0], runs[1], row.title)
      XCTAssertEqual(runs[0], runs[2], row.title)
    }
  }

  private func bits(_ tensor: Tensor) -> [UInt32] { tensor.scalars.map(\.bitPattern) }
}
