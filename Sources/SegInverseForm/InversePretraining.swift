import Glibc
import SegKernels

/// The pre-training of an inverse network: regress the transforms of ``TilePairs``.
///
/// Loss: smooth L1 (β = 0.1 of the largest transform) of the coefficients, so that small transforms, which are what a
/// trained segmentation network leaves, count beside large ones; the paper minimises |θ̂ − θ|. The package's own network
/// is also told how far boundaries are displaced in each of its cells, which follows from the transform: many numbers a
/// pair where there were few. AdamW, a rate that falls as a cosine after a warm-up.
public struct InversePretraining {
  /// What is known after a step.
  public struct Progress: Sendable {
    /// Steps done, and of how many.
    public let step: Int
    /// Steps of the whole run.
    public let steps: Int
    /// The mean loss of the last 50 steps.
    public let loss: Float
  }

  /// Steps in all.
  public var steps = 6000
  /// Pairs a step.
  public var batch = 64
  /// The rate at its height.
  public var learningRate: Float = 0.002
  /// What pairs follow from.
  public var seed: UInt64 = 1

  /// A run of defaults.
  public init() {}

  /// Trains a network, and leaves it in evaluation.
  ///
  /// - Throws: what `report` throws; the network is then as trained as it was.
  public func run(
    _ network: some InverseNetwork, on pairs: TilePairs, _ report: (Progress) throws -> Void
  ) rethrows {
    check(
      pairs.side == network.side && pairs.transform == network.transform, "InversePretraining",
      "expected pairs of \(network.side) for \(network.transform), found \(pairs.side) for \(pairs.transform)")
    let optimizer = AdamW(learningRate: learningRate, weightDecay: 0.02)
    network.setTraining(true)
    defer { network.setTraining(false) }
    var recent: [Float] = []
    for step in 0..<steps {
      let pair = pairs.batch(step, of: batch, seed: seed)
      optimizer.learningRate = learningRate * Schedule.cosine.factor(step: step, of: steps, warmup: 100)
      let (loss, gradients) = valueAndGradient(of: network) { self.loss(of: $0, pair) }
      var clipped = gradients
      clipped.clip(toNorm: 5)
      optimizer.update(network, with: clipped)
      recent = recent.suffix(49) + [loss.scalar]
      try report(Progress(step: step + 1, steps: steps, loss: recent.reduce(0, +) / Float(recent.count)))
    }
  }

  private func loss(of network: some InverseNetwork, _ pair: TilePairs.Batch) -> Tensor {
    func error(_ found: Tensor, _ truth: Tensor) -> Tensor { smoothL1Loss(found, truth, beta: 0.1) }
    guard let network = network as? AntisymmetricInverseNetwork else {
      return error(network(pair.prediction, pair.target), pair.coefficients)
    }
    let (coefficients, displacements) = network.estimates(pair.prediction, pair.target)
    return error(coefficients, pair.coefficients)
      + error(displacements, network.displacements(of: pair.coefficients))
  }
}

/// What an inverse network makes of held-out pairs.
public struct InverseReport: Sendable, Hashable, Codable {
  /// Pairs whose transforms differ from none in one number of their generator alone.
  public struct Row: Sendable, Hashable, Codable {
    /// What differs: shift, scale, angle or perspective.
    public let component: String
    /// By how much: pixels of the tile, a factor, degrees, or the third row's entry.
    public let amount: Double
    /// The mean estimate of that number, in the same unit: what of the coefficients lies in the truth's direction.
    public let estimate: Double
    /// The mean |estimate − truth| of that number, in units of the coefficients.
    public let error: Double
    /// The mean Euclidean distance from identity, in those units.
    public let distance: Double
    /// The mean distance of the same pairs when the prediction's side is degraded.
    public let degradedDistance: Double
  }

  /// Pairs behind each row.
  public let pairs: Int
  /// The mean distance of equal maps: the noise floor.
  public let distanceOfEqualMaps: Double
  /// The mean distance where only the degradation differs.
  public let distanceOfDegradedMaps: Double
  /// By component, amounts rising.
  public let rows: [Row]

  /// Asks a network. Pairs follow from the seed.
  public init(_ network: some InverseNetwork, on pairs: TilePairs, count: Int = 256, seed: UInt64 = 1000) {
    let limits = BoundaryTransform.limits, pixel = 2 / Double(network.side)
    func distances(_ coefficients: Tensor) -> Double {
      Double(coefficients.square().sum(axes: [1]).sqrt().mean().scalar)
    }
    func run(_ draw: TilePairs.Draw, isDegraded: Bool) -> (estimates: Tensor, truth: Tensor) {
      let pair = pairs.batch(0, of: count, seed: seed, draw, isDegraded: isDegraded)
      return (network(pair.prediction, pair.target), pair.coefficients)
    }
    self.pairs = count
    let equal = pairs.batch(0, of: count, seed: seed, .single(component: 0, amount: 0), isDegraded: false).target
    distanceOfEqualMaps = distances(network(equal, equal))
    distanceOfDegradedMaps = distances(run(.single(component: 0, amount: 0), isDegraded: true).estimates)
    func row(_ name: String, _ component: Int, _ amount: Double, _ share: Double, _ unit: (Double) -> Double) -> Row {
      let draw = TilePairs.Draw.single(component: component, amount: share)
      let (estimates, truth) = run(draw, isDegraded: false)
      let norm = truth.square().sum(axes: [1]).sqrt(), along = (estimates * truth).sum(axes: [1]) / norm
      return Row(
        component: name, amount: amount, estimate: unit(Double((along / norm).mean().scalar) * share),
        error: Double((along - norm).abs().mean().scalar), distance: distances(estimates),
        degradedDistance: distances(run(draw, isDegraded: true).estimates))
    }
    var rows = [0.5, 1, 2, 4, 8, 16].map { pixels in
      row("shift", 0, pixels, pixels * pixel / limits.shift) { $0 * limits.shift / pixel }
    }
    rows += [1.01, 1.03, 1.06, 1.12, 1.24].map { factor in
      row("scale", 2, factor, log(factor) / limits.logScale) { exp($0 * limits.logScale) }
    }
    let degree = Double.pi / 180
    if network.transform != .shiftScale {
      rows += [0.5, 1, 2, 4, 8, 14].map { angle in
        row("angle", 4, angle, angle * degree / limits.angle) { $0 * limits.angle / degree }
      }
    }
    if network.transform == .homography {
      rows += [0.01, 0.03, 0.1].map { entry in
        row("perspective", 5, entry, entry / limits.perspective) { $0 * limits.perspective }
      }
    }
    self.rows = rows
  }
}
