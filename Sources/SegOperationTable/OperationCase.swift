import SegKernels

/// One row of the operation table: an operation at one size, with what it should compute.
///
/// Tests hold the operation against its reference and check its gradient; benchmarks time the same rows.
public struct OperationCase: Sendable {
  /// What the elements of an input are drawn from.
  public enum Domain: Sendable {
    /// N(0, 1).
    case normal
    /// Uniform in 0.5..<2: for logarithms, roots and divisors.
    case positive
    /// N(0, 1) pushed away from 0 by 0.1: for kinks at 0.
    case awayFromZero
    /// Uniform in −0.9..<0.9: for the arc cosine.
    case withinOne
    /// A random order of equally spaced values: no ties, for maxima.
    case distinct
  }

  /// The operation's name, as users know the function.
  public let operation: String
  /// What is special about this row.
  public let label: String
  /// The shapes of the inputs, and what they hold.
  public let inputs: [(shape: Shape, domain: Domain)]
  /// The error that is accepted, relative to the largest element of the result.
  public let tolerance: Double
  /// Whether the gradient is checked; rows too large for finite differences are not.
  public let checksGradient: Bool
  /// Whether the row is there to be timed: tests leave it out, since its definition would take minutes at that size.
  public let isForTiming: Bool
  /// The operation itself.
  public let run: @Sendable ([Tensor]) -> Tensor
  /// What is timed: `run`, without what it adds so that results can be compared.
  public let timed: @Sendable ([Tensor]) -> Void
  /// The naive definition in double precision.
  public let reference: @Sendable ([ReferenceArray]) -> ReferenceArray

  /// - Parameters:
  ///   - checksGradient: by default, whether all inputs together have at most 400 elements.
  ///   - isForTiming: by default, whether all inputs together have two million elements.
  ///   - timed: by default, `run` itself.
  public init(
    _ operation: String, _ label: String, _ inputs: [(Shape, Domain)], tolerance: Double = 2e-6,
    checksGradient: Bool? = nil, isForTiming: Bool? = nil, run: @escaping @Sendable ([Tensor]) -> Tensor,
    timed: (@Sendable ([Tensor]) -> Void)? = nil,
    reference: @escaping @Sendable ([ReferenceArray]) -> ReferenceArray
  ) {
    self.operation = operation
    self.label = label
    self.inputs = inputs.map { (shape: $0.0, domain: $0.1) }
    self.tolerance = tolerance
    let elements = inputs.reduce(0) { $0 + $1.0.elementCount }
    self.checksGradient = checksGradient ?? (elements <= 400)
    self.isForTiming = isForTiming ?? (elements >= 1 << 21)
    self.run = run
    self.timed = timed ?? { _ = run($0) }
    self.reference = reference
  }

  /// The operation and what is special about the row.
  public var title: String { "\(operation) (\(label))" }

  /// The inputs of a seed.
  public func makeInputs(seed: UInt64 = 1) -> [Tensor] {
    inputs.enumerated().map { index, input in
      var random = RandomSource(seed: seed).stream(index)
      let shape = input.shape
      switch input.domain {
      case .normal: return .normal(shape, using: &random)
      case .positive: return .uniform(shape, in: 0.5..<2, using: &random)
      case .withinOne: return .uniform(shape, in: -0.9..<0.9, using: &random)
      case .awayFromZero:
        return Tensor(shape, Tensor.normal(shape, using: &random).scalars.map { $0 + ($0 < 0 ? -0.1 : 0.1) })
      case .distinct:
        let count = shape.elementCount
        return Tensor(
          shape, (0..<count).shuffled(using: &random).map { Float($0) * 4 / Float(Swift.max(count, 1)) - 2 })
      }
    }
  }

  /// A weight for every element of the result, for checking gradients.
  public func makeCotangent(_ shape: Shape, seed: UInt64 = 1) -> Tensor {
    var random = RandomSource(seed: seed).stream(-1)
    return .normal(shape, using: &random)
  }
}
