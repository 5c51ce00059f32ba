import SegKernels
import XCTest

/// Each input's gradient of ⟨cotangent, function⟩ against the difference of values along itself, where the slope is its
/// squared length: far above what floats round away.
func assertGradientsAreSlopes(
  at inputs: [Tensor], cotangent: Tensor, length: Double = 1e-2, _ function: ([Tensor]) -> Tensor,
  file: StaticString = #filePath, line: UInt = #line
) {
  let gradients = valueAndGradient(at: inputs, cotangent: cotangent, function).gradients
  for (index, input) in inputs.enumerated() {
    let slope = gradients[index].scalars.reduce(0.0) { $0 + Double($1) * Double($1) }
    XCTAssertGreaterThan(slope, 0, "input \(index)", file: file, line: line)
    let step = Float(length / slope.squareRoot())
    func along(_ step: Float) -> Double {
      var moved = inputs
      moved[index] = input + gradients[index] * step
      return zip(function(moved).scalars, cotangent.scalars).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    }
    let found = (along(step) - along(-step)) / Double(2 * step)
    XCTAssertEqual(found, slope, accuracy: 0.01 * slope, "input \(index)", file: file, line: line)
  }
}
