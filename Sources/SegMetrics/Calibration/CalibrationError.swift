import SegKernels

/// How well confidences are probabilities: the expected calibration error, and what a reliability diagram shows.
///
/// Confidences fall into bins of equal width, (k/n, (k+1)/n], 0 into the first. With acc and conf the means of a bin,
/// ECE = Σ (pixels of the bin / all) · |acc − conf|, MCE the greatest of these differences; empty bins do not count.
///
/// Guo et al., "On Calibration of Modern Neural Networks", 2017.
public struct CalibrationError: Sendable, Hashable {
  /// One bin of confidences.
  public struct Bin: Sendable, Hashable, Codable {
    /// Predictions in the bin, and how many of them are right.
    public internal(set) var count = 0, right = 0
    /// The sum of their confidences.
    public internal(set) var confidence = 0.0

    /// The share of right predictions less the mean confidence; nil for an empty bin.
    public var gap: Double? { count > 0 ? (Double(right) - confidence) / Double(count) : nil }
  }

  /// From the lowest confidences up.
  public private(set) var bins: [Bin]

  /// Empty bins. Traps unless there is one.
  public init(bins: Int = 15) {
    check(bins > 0, "CalibrationError", "needs at least one bin, found \(bins)")
    self.bins = Array(repeating: Bin(), count: bins)
  }

  /// Counts one prediction; confidences lie in 0…1.
  public mutating func add(confidence: Double, isRight: Bool) {
    let bin = min(max(Int((confidence * Double(bins.count)).rounded(.up)) - 1, 0), bins.count - 1)
    bins[bin].count += 1
    bins[bin].confidence += confidence
    if isRight { bins[bin].right += 1 }
  }

  /// Adds the counts of another part of the data set.
  public static func += (a: inout CalibrationError, b: CalibrationError) {
    check(a.bins.count == b.bins.count, "CalibrationError", "\(a.bins.count) and \(b.bins.count) bins do not add up")
    for index in a.bins.indices {
      a.bins[index].count += b.bins[index].count
      a.bins[index].right += b.bins[index].right
      a.bins[index].confidence += b.bins[index].confidence
    }
  }

  /// The mean of the bins' |gap|, weighted by their predictions; nil without any.
  public var expected: Double? {
    let total = bins.reduce(0) { $0 + $1.count }
    guard total > 0 else { return nil }
    return bins.reduce(0) { $0 + Double($1.count) * abs($1.gap ?? 0) } / Double(total)
  }

  /// The greatest |gap|; nil without any prediction.
  public var greatest: Double? { bins.compactMap { $0.gap.map(abs) }.max() }
}
