/// Checks an operation's backward against central differences of a reference in double precision.
///
/// Differences of single-precision values say little; so the reference, which is plain and in doubles, is
/// differentiated numerically, and the fast operation's gradient is compared with that.
public enum GradientCheck {
  /// One comparison of two arrays of numbers.
  public struct Comparison: Sendable {
    /// max |found − expected|.
    public let difference: Double
    /// max |expected|.
    public let magnitude: Double

    /// The difference relative to the magnitude, or to `floor` where the magnitude is smaller.
    public func relative(floor: Double = 1e-3) -> Double { difference / Swift.max(magnitude, floor) }

    /// Compares numbers one by one; a NaN where none is expected counts as infinitely wrong.
    public init(_ found: [Float], _ expected: [Double]) {
      check(found.count == expected.count, "GradientCheck", "\(found.count) numbers found, \(expected.count) expected")
      var (difference, magnitude) = (0.0, 0.0)
      for (found, expected) in zip(found, expected) {
        // NaN where none is expected must not pass for small.
        let distance = Double(found) == expected || (found.isNaN && expected.isNaN) ? 0 : abs(Double(found) - expected)
        difference = distance.isNaN ? .infinity : Swift.max(difference, distance)
        if expected.isFinite { magnitude = Swift.max(magnitude, abs(expected)) }
      }
      self.difference = difference
      self.magnitude = magnitude
    }
  }

  /// The gradients of ⟨cotangent, reference⟩ at the inputs, by central differences.
  ///
  /// - Parameters:
  ///   - inputs: where the gradients are taken.
  ///   - cotangent: what the reference's value is weighted with.
  ///   - step: how far each input is moved either way.
  ///   - reference: the function, in double precision.
  public static func numericalGradients(
    at inputs: [ReferenceArray], cotangent: ReferenceArray, step: Double = 1e-5,
    _ reference: ([ReferenceArray]) -> ReferenceArray
  ) -> [ReferenceArray] {
    func weighted(_ inputs: [ReferenceArray]) -> Double {
      zip(reference(inputs).values, cotangent.values).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return inputs.indices.map { input in
      var gradient = ReferenceArray(zeros: inputs[input].shape)
      var moved = inputs
      for element in gradient.values.indices {
        let value = inputs[input].values[element]
        moved[input].values[element] = value + step
        let above = weighted(moved)
        moved[input].values[element] = value - step
        let below = weighted(moved)
        moved[input].values[element] = value
        gradient.values[element] = (above - below) / (2 * step)
      }
      return gradient
    }
  }

  /// Compares the gradients of a function of tensors with those of its reference, an input at a time.
  public static func compare(
    at inputs: [Tensor], cotangent: Tensor, _ function: ([Tensor]) -> Tensor,
    reference: ([ReferenceArray]) -> ReferenceArray
  ) -> [Comparison] {
    let found = valueAndGradient(at: inputs, cotangent: cotangent, function).gradients
    let expected = numericalGradients(
      at: inputs.map(ReferenceArray.init), cotangent: ReferenceArray(cotangent), reference)
    return zip(found, expected).map { Comparison($0.scalars, $1.values) }
  }
}
