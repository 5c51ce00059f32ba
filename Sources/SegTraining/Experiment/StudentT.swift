import Foundation

/// Student's t distribution, as far as intervals need it.
public struct StudentT: Sendable, Hashable {
  /// Degrees of freedom, at least 1.
  public let degrees: Int

  /// The distribution of given degrees of freedom.
  public init(degrees: Int) {
    precondition(degrees >= 1, "StudentT: expected at least one degree of freedom, found \(degrees)")
    self.degrees = degrees
  }

  /// P(T ≤ t) = 1 − I_x(ν/2, ½) / 2 for t ≥ 0, where x = ν / (ν + t²).
  public func probability(below t: Double) -> Double {
    let freedom = Double(degrees)
    let tail = StudentT.incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return t < 0 ? tail : 1 - tail
  }

  /// The t that a share of the distribution, 0 < share < 1, lies below.
  public func quantile(_ share: Double) -> Double {
    precondition(share > 0 && share < 1, "StudentT.quantile: expected a share between 0 and 1, found \(share)")
    if share < 0.5 { return -quantile(1 - share) }
    var low = 0.0, high = 1.0
    while probability(below: high) < share { high *= 2 }
    // Each half adds a bit; the last ones cannot be told apart any more.
    while true {
      let middle = (low + high) / 2
      guard middle > low, middle < high else { return middle }
      if probability(below: middle) < share { low = middle } else { high = middle }
    }
  }

  /// The regularised incomplete beta function I_x(a, b), by Lentz's continued fraction.
  private static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    // The fraction converges fast below the mean alone.
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let logarithm: Double = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)
    let factor = exp(logarithm) / a
    func numerator(_ term: Int) -> Double {
      let m = Double(term / 2), last = a + 2 * m
      if term % 2 == 0 { return m * (b - m) * x / ((last - 1) * last) }
      return -(a + m) * (a + b + m) * x / (last * (last + 1))
    }
    func nonZero(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
    var c = 1.0
    var d = 1 / nonZero(1 + numerator(1))
    var fraction = d
    for term in 2...400 {
      let n = numerator(term)
      d = 1 / nonZero(1 + n * d)
      c = nonZero(1 + n / c)
      fraction *= c * d
      if abs(c * d - 1) < 1e-16 { break }
    }
    return factor * fraction
  }
}

/// The mean of paired differences and what is known of it.
public struct PairedDifferences: Sendable, Hashable {
  /// One a seed.
  public let values: [Double]

  /// Differences of the seeds that both arms have.
  public init(_ values: [Double]) { self.values = values }

  /// Their mean; nil without any.
  public var mean: Double? { values.isEmpty ? nil : values.reduce(0, +) / Double(values.count) }

  /// √(Σ (x − mean)² / (n − 1)); nil of fewer than two.
  public var deviation: Double? {
    guard let mean, values.count > 1 else { return nil }
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
  }

  /// mean ± t(0.975, n − 1) · deviation / √n; nil of fewer than two.
  public var interval: ClosedRange<Double>? {
    guard let mean, let deviation else { return nil }
    let half = StudentT(degrees: values.count - 1).quantile(0.975) * deviation / Double(values.count).squareRoot()
    return (mean - half)...(mean + half)
  }
}
