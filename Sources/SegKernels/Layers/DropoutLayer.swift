/// Dropout in training, nothing in evaluation; the source of its masks is seeded.
public final class Dropout: UnaryModule, RandomModule {
  /// The probability that an element is dropped.
  public let rate: Float
  /// Whether whole channels of an image are dropped, as PyTorch's `Dropout2d` does.
  public let dropsChannels: Bool
  /// The source of the masks.
  public var random: RandomSource
  /// The processes that hold each batch together: the masks are then this one's part of the whole batch's.
  public var group: (any BatchGroup)?
  private var isTraining = false

  /// A layer whose masks follow from a seed.
  public init(rate: Float, dropsChannels: Bool = false, seed: UInt64 = 0) {
    self.rate = rate
    self.dropsChannels = dropsChannels
    random = RandomSource(seed: seed)
  }

  public var parts: [Part] { [] }

  public func trainingChanged(to isTraining: Bool) { self.isTraining = isTraining }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    guard isTraining else { return x }
    let first = group.map { $0.rank * x.shape[0] } ?? 0
    return dropsChannels
      ? dropout2d(x, rate: rate, using: &random, firstSample: first)
      : dropout(x, rate: rate, using: &random, firstSample: first)
  }
}

/// A module that draws random numbers in training; checkpoints keep where its source stands.
public protocol RandomModule: Module {
  /// The source of its numbers.
  var random: RandomSource { get set }
}

extension Module {
  /// Every module of the tree that draws random numbers, under its full name.
  public var randomModules: [(name: String, module: any RandomModule)] {
    ((self as? any RandomModule).map { [("", $0)] } ?? [])
      + children.flatMap { child in
        child.module.randomModules.map { ($0.name.isEmpty ? child.name : "\(child.name).\($0.name)", $0.module) }
      }
  }
}
