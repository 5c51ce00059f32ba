import SegKernels

/// How an ``AuxAdapter`` adapts: every choice of the method by its name.
///
/// The paper leaves optimizer, rate, batch norms, resets and the loss open (its third-party implementations agree on
/// pseudo-label and loss); the defaults are this package's own. Zhang et al., "AuxAdapt", WACV 2022 (arXiv 2110.12369).
public struct AuxAdaptConfiguration: Sendable, Hashable, Codable {
  /// Whose cross entropy with the pseudo-label is made small.
  public enum Loss: String, Sendable, Hashable, Codable, CaseIterable {
    /// The AuxNet's own logits.
    case own
    /// The sum of both networks' logits; the gradient reaches the AuxNet alone all the same.
    case sum
  }

  /// What moves the AuxNet.
  public enum OptimizerKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// Stochastic gradient descent with ``AuxAdaptConfiguration/momentum``, or Adam with decoupled weight decay (`AdamW`).
    case sgd, adam
  }

  /// What the AuxNet's batch norms do.
  public enum BatchNorms: String, Sendable, Hashable, Codable, CaseIterable {
    /// They keep their statistics; scales and shifts learn.
    case frozen
    /// They normalise by each frame, and their statistics follow.
    case training
  }

  /// When the AuxNet goes back to its start.
  public enum Reset: String, Sendable, Hashable, Codable, CaseIterable {
    /// Never, but for the guard.
    case never
    /// When the caller begins another clip.
    case clips
    /// At clips, and at cuts that are seen in the frames.
    case cuts
  }

  /// Whose cross entropy is made small.
  public var loss = Loss.own
  /// What moves the AuxNet.
  public var optimizer = OptimizerKind.sgd
  /// Its step size; 0 leaves the AuxNet as it is.
  public var learningRate: Float = 1e-3
  /// SGD's momentum.
  public var momentum: Float = 0.9
  /// The share of a parameter that is added to its gradient (Adam: taken away).
  public var weightDecay: Float = 0
  /// α: how much the AuxNet's logits count in the sum.
  public var weight: Float = 1
  /// How many times smaller than MainNet's input the AuxNet's is.
  public var downscale = 2
  /// How it is made smaller.
  public var interpolation = Interpolation.bilinear
  /// What the AuxNet's batch norms do.
  public var batchNorms = BatchNorms.frozen
  /// When the AuxNet goes back to its start.
  public var reset = Reset.cuts
  /// Weights of the classes in the loss; nil for 1 each.
  public var classWeights: [Float]?
  /// Whether the update of a frame runs while MainNet looks at the next one. The results are the same to the bit.
  public var isOverlapped = false
  /// Whether a broken or collapsing AuxNet is put back to its start; see ``DivergenceGuard``.
  public var isGuarded = true

  /// The package's defaults.
  public init() {}

  /// The settings of a third-party implementation (cufctl): SGD of rate 0.01 and weight decay 5·10⁻⁴, batch norms in
  /// training, nearest down-sampling, classes weighted.
  public static func cufctl(classWeights: [Float]?) -> AuxAdaptConfiguration {
    var configuration = AuxAdaptConfiguration()
    configuration.learningRate = 1e-2
    configuration.weightDecay = 5e-4
    configuration.batchNorms = .training
    configuration.interpolation = .nearest
    configuration.classWeights = classWeights
    return configuration
  }

  /// What makes no sense; nil if nothing.
  public var problem: String? {
    guard learningRate >= 0, learningRate.isFinite else { return "rate: expected at least 0, found \(learningRate)" }
    guard (0..<1).contains(momentum) else { return "momentum: expected 0..<1, found \(momentum)" }
    guard weightDecay >= 0, weightDecay.isFinite else {
      return "weight decay: expected at least 0, found \(weightDecay)"
    }
    guard weight >= 0, weight.isFinite else { return "weight: expected at least 0, found \(weight)" }
    return (1...8).contains(downscale) ? nil : "downscale: expected 1 to 8, found \(downscale)"
  }

  /// The optimizer, without a memory.
  func makeOptimizer() -> any Optimizer {
    switch optimizer {
    case .sgd: SGD(learningRate: learningRate, momentum: momentum, weightDecay: weightDecay)
    case .adam: AdamW(learningRate: learningRate, weightDecay: weightDecay)
    }
  }
}
