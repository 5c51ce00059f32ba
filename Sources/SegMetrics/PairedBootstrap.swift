import SegKernels

/// Whether system A scores above system B on images like these: a paired bootstrap over images (or clips).
///
/// Each image contributes a list of numbers that add up, and the score is a function of the sums: counts for a mean
/// IoU, a value and a 1 for a mean over images. A resample draws as many images as there are, with replacement, the
/// same ones for both systems. The interval is that of the percentiles.
///
/// Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.
public struct PairedBootstrap: Sendable, Hashable, Codable {
  /// Images, and how often they were drawn anew.
  public let images, resamples: Int
  /// The seed of the draws.
  public let seed: UInt64
  /// The systems' scores on all images, and a − b; nil where a score is not defined.
  public let a, b, difference: Double?
  /// The 95 % interval of the difference; nil if no resample has one.
  public let interval: [Double]?
  /// The share of resamples in which A is above B, ties counted half; nil as the interval.
  public let shareAbove: Double?

  /// Compares two systems by one score.
  ///
  /// - Parameters:
  ///   - a: A's contributions, an image a row.
  ///   - b: B's, of the same images in the same order. Traps if the shapes differ.
  ///   - resamples: how many times images are drawn anew.
  ///   - seed: of the draws.
  ///   - score: the score of sums; nil where it is not defined. Resamples without a score are left out.
  public init(
    _ a: [[Double]], _ b: [[Double]], resamples: Int = 2000, seed: UInt64 = 1, score: ([Double]) -> Double?
  ) {
    self = withoutActuallyEscaping(score) {
      PairedBootstrap.comparing(a, b, resamples: resamples, seed: seed, scores: [$0])[0]
    }
  }

  /// Compares two systems by several scores of the same sums, on the same draws.
  ///
  /// - Returns: one comparison a score.
  public static func comparing(
    _ a: [[Double]], _ b: [[Double]], resamples: Int = 2000, seed: UInt64 = 1, scores: [([Double]) -> Double?]
  ) -> [PairedBootstrap] {
    check(
      a.map(\.count) == b.map(\.count) && Set(a.map(\.count)).count <= 1 && resamples > 0, "PairedBootstrap",
      "expected as many contributions of \(a.count) images as of \(b.count), and resamples (found \(resamples))")
    let ones = [Int](repeating: 1, count: a.count), wholeA = sums(a, times: ones), wholeB = sums(b, times: ones)
    var random = RandomSource(seed: seed, name: "paired bootstrap")
    var differences = scores.map { _ in [Double]() }
    for _ in 0..<resamples where !a.isEmpty {
      var times = [Int](repeating: 0, count: a.count)
      for _ in a.indices { times[Int.random(in: a.indices, using: &random)] += 1 }
      let drawnA = sums(a, times: times), drawnB = sums(b, times: times)
      for (index, score) in scores.enumerated() {
        if let first = score(drawnA), let second = score(drawnB) { differences[index].append(first - second) }
      }
    }
    return zip(scores, differences).map { score, differences in
      PairedBootstrap(
        images: a.count, resamples: resamples, seed: seed, a: score(wholeA), b: score(wholeB),
        differences: differences.sorted())
    }
  }

  private init(images: Int, resamples: Int, seed: UInt64, a: Double?, b: Double?, differences: [Double]) {
    self.images = images
    self.resamples = resamples
    self.seed = seed
    (self.a, self.b) = (a, b)
    difference = a.flatMap { a in b.map { a - $0 } }
    interval = differences.isEmpty ? nil : [quantile(differences, 0.025), quantile(differences, 0.975)]
    let above = differences.reduce(0.0) { $0 + ($1 > 0 ? 1 : $1 == 0 ? 0.5 : 0) }
    shareAbove = differences.isEmpty ? nil : above / Double(differences.count)
  }
}

/// The sum of rows, each taken some times.
private func sums(_ rows: [[Double]], times: [Int]) -> [Double] {
  var sums = [Double](repeating: 0, count: rows.first?.count ?? 0)
  sums.withUnsafeMutableBufferPointer { sums in
    for (row, times) in zip(rows, times) where times > 0 {
      row.withUnsafeBufferPointer { row in
        for index in row.indices { sums[index] += Double(times) * row[index] }
      }
    }
  }
  return sums
}

/// The value below which a share of sorted values lies, between neighbours in proportion.
private func quantile(_ sorted: [Double], _ share: Double) -> Double {
  let position = share * Double(sorted.count - 1), low = Int(position)
  let high = min(low + 1, sorted.count - 1)
  return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
}
