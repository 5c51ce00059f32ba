/// Dropout in training, nothing in evaluation; the source of its masks is seeded.
public final class Dropout: UnaryModule {
  /// The probability that an element is dropped.
  public let rate: Float
  /// The source of the masks.
  public var random: RandomSource
  private var isTraining = false

  /// A layer whose masks follow from a seed.
  public init(rate: Float, seed: UInt64 = 0) {
    self.rate = rate
    random = RandomSource(seed: seed)
  }

  public var parts: [Part] { [] }

  public func trainingChanged(to isTraining: Bool) { self.isTraining = isTraining }

  public func callAsFunction(_ x: Tensor) -> Tensor { isTraining ? dropout(x, rate: rate, using: &random) : x }
}
