// Means over what has a score, and quotients that may be undefined: the rules that all metrics share.

extension Collection where Element == Double? {
  /// The mean of the scores that there are; nil without any.
  package var meanOfKnown: Double? { compactMap { $0 }.mean }
}

extension Collection<Double> {
  /// The mean; nil of nothing.
  package var mean: Double? { isEmpty ? nil : reduce(0, +) / Double(count) }
}

extension Double {
  /// The number, or nil for NaN and infinities: what is not defined has no score.
  package var ifFinite: Double? { isFinite ? self : nil }
}

/// The share `part / whole`; nil of nothing.
package func share(_ part: Int, of whole: Int) -> Double? { whole == 0 ? nil : Double(part) / Double(whole) }
