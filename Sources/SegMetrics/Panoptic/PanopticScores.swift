/// Panoptic quality as values that can be written down: shares of 1, nil where a score is not defined.
public struct PanopticScores: Sendable, Hashable, Codable {
  /// The means over some categories.
  public struct Mean: Sendable, Hashable, Codable {
    /// Mean panoptic, segmentation and recognition quality; nil if no category occurs.
    public let pq, sq, rq: Double?
    /// How many categories occur.
    public let categories: Int
  }

  /// The scores of one category.
  public struct CategoryScore: Sendable, Hashable, Codable {
    /// The category.
    public let category: PanopticCategory
    /// Nil if it occurs neither in truth nor in prediction.
    public let pq, sq, rq: Double?
    /// Matches, predictions without one, and true segments without one.
    public let truePositives, falsePositives, falseNegatives: Int
  }

  /// Over all categories.
  public let all: Mean
  /// Over things alone.
  public let things: Mean
  /// Over stuff alone.
  public let stuff: Mean
  /// Category by category.
  public let categories: [CategoryScore]

  /// Reads the scores off the counts.
  public init(_ quality: PanopticQuality) {
    categories = zip(quality.categories, quality.counts).map { category, counts in
      CategoryScore(
        category: category, pq: counts.pq, sq: counts.sq, rq: counts.rq, truePositives: counts.truePositives,
        falsePositives: counts.falsePositives, falseNegatives: counts.falseNegatives)
    }
    all = Mean(categories)
    things = Mean(categories.filter(\.category.isThing))
    stuff = Mean(categories.filter { !$0.category.isThing })
  }
}

extension PanopticScores.Mean {
  fileprivate init(_ scores: [PanopticScores.CategoryScore]) {
    self.init(
      pq: scores.map(\.pq).meanOfKnown, sq: scores.map(\.sq).meanOfKnown, rq: scores.map(\.rq).meanOfKnown,
      categories: scores.filter { $0.pq != nil }.count)
  }
}
