/// The errors of a data set's depth maps, as values that can be written down.
public struct DepthScores: Sendable, Hashable, Codable {
  /// How images were scored.
  public let rules: DepthProtocol
  /// Images scored, and images without a true depth that counts.
  public let images, skipped: Int
  /// The mean over images; nil of none.
  public let mean: DepthErrors?
  /// The median of the factors of median scaling; nil without it.
  public let medianFactor: Double?
  /// The standard deviation of the factors over their median: how well the network keeps its scale.
  public let factorSpread: Double?

  /// Reads the scores off an evaluation.
  public init(_ evaluation: DepthEvaluation) {
    rules = evaluation.rules
    images = evaluation.images.count
    skipped = evaluation.skipped
    mean = DepthErrors(meanOf: evaluation.images)
    let middle = median(evaluation.factors)
    medianFactor = middle
    factorSpread = middle.flatMap { middle in
      let ratios = evaluation.factors.map { $0 / middle }
      return ratios.mean.flatMap { mean in ratios.map { ($0 - mean) * ($0 - mean) }.mean?.squareRoot() }
    }
  }
}
