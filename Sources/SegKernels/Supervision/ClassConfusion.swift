/// How often pixels of each class are taken for each other class, as a plain matrix: what clusters are made from.
public struct ClassConfusion: Sendable, Hashable {
  /// `counts[t][p]`: pixels of class t that were predicted as p.
  public let counts: [[Double]]

  /// Counts of N rows of N. Traps at other shapes and at negative counts.
  public init(_ counts: [[Double]]) {
    check(
      !counts.isEmpty && counts.allSatisfy { $0.count == counts.count && $0.allSatisfy { $0 >= 0 } }, "ClassConfusion",
      "expected rows of as many counts of at least 0, found \(counts.count) rows of \(counts.map(\.count))")
    self.counts = counts
  }

  /// N.
  public var classes: Int { counts.count }

  /// Classes of which there are pixels.
  public var present: [Int] { counts.indices.filter { counts[$0].contains { $0 > 0 } } }

  /// The same pixels where only clusters are told apart: C'_ij = Σ C_tp over t in cluster i and p in cluster j.
  public func merged(by clusters: ClassClusters) -> ClassConfusion {
    check(
      clusters.classes == classes, "ClassConfusion.merged",
      "clusters of \(clusters.classes) classes do not fit \(classes)")
    var sums = [[Double]](repeating: [Double](repeating: 0, count: clusters.count), count: clusters.count)
    for (truth, row) in zip(clusters.assignment, counts) {
      for (prediction, count) in zip(clusters.assignment, row) { sums[truth][prediction] += count }
    }
    return ClassConfusion(sums)
  }

  /// The mean of C_tt / (row t + column t − C_tt) over the classes that occur in truth or prediction; 0 without any.
  public var meanIoU: Double {
    let scores = counts.indices.compactMap { index -> Double? in
      let hits = counts[index][index]
      let truth = counts[index].reduce(0, +), predicted = counts.reduce(0.0) { $0 + $1[index] }
      let union = truth + predicted - hits
      return union > 0 ? hits / union : nil
    }
    return scores.isEmpty ? 0 : scores.reduce(0, +) / Double(scores.count)
  }

  /// How alike some classes look to the network: A = (R + Rᵀ)/2 + floor, R the rows as shares of 1 over these classes;
  /// 0 on the diagonal.
  ///
  /// - Parameters:
  ///   - chosen: the classes, in the order of the result's rows.
  ///   - floor: what any two have in common, so that no class is cut off from all others.
  public func affinity(of chosen: [Int], floor: Double = 1e-4) -> [[Double]] {
    let rows = chosen.map { truth -> [Double] in
      let row = chosen.map { counts[truth][$0] }, total = row.reduce(0, +)
      return row.map { total > 0 ? $0 / total : 0 }
    }
    return rows.indices.map { i -> [Double] in
      rows.indices.map { j -> Double in i == j ? 0 : (rows[i][j] + rows[j][i]) / 2 + floor }
    }
  }
}
