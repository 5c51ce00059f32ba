import Glibc

/// How a number of clusters becomes a coordinate of complexity, 0 … 1, in HS3's plane of complexity and performance.
public enum ComplexityAxis: String, Sendable, Hashable, Codable, CaseIterable {
  /// k / N.
  case share
  /// (k − 1) / (N − 1): one cluster is no task.
  case steps
  /// log k / log N: the entropy of equally frequent clusters.
  case logarithm

  /// The coordinate of `count` clusters of `classes` classes.
  public func callAsFunction(_ count: Int, of classes: Int) -> Double {
    guard classes > 1 else { return 1 }
    switch self {
    case .share: return Double(count) / Double(classes)
    case .steps: return Double(count - 1) / Double(classes - 1)
    case .logarithm: return log(Double(count)) / log(Double(classes))
    }
  }
}

/// The number of clusters that a stage is asked for: where its curve meets the ray from the origin through the last
/// stage's point.
///
/// k_i = the largest k with P_i(k) ≥ x(k) · P_L(N), x the axis's coordinate (1 at N), but 2 at least: the same ratio of
/// performance to complexity at every stage. Our reading of the authors' patent ("an angle fixed by the last stage's
/// performance"); origin and scaling are not published.
///
/// - Parameters:
///   - curve: P_i(1) … P_i(N).
///   - final: P_L(N), the last stage's mean IoU.
///   - axis: how complexity grows with the number of clusters.
public func clusterCount(curve: [Double], final: Double, axis: ComplexityAxis = .share) -> Int {
  let classes = curve.count
  let met = (1...max(classes, 1)).last { $0 <= classes && curve[$0 - 1] >= axis($0, of: classes) * final }
  return min(max(met ?? 1, 2), classes)
}
