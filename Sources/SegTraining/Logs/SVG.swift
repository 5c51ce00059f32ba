import Foundation

/// What pictures of runs share: round numbers on axes, and text as XML wants it.
package enum SVG {
  /// Round numbers from at most `low` to at least `high`, some five of them.
  package static func axis(_ low: Double, _ high: Double) -> [Double] {
    let span = max(high - low, 1e-12), power = pow(10, floor(log10(span / 5)))
    let unit = [1, 2, 5, 10].map { $0 * power }.first { span / $0 <= 6 } ?? 10 * power
    let (first, last) = (floor(low / unit), ceil(high / unit))
    return (0...Int(max(last - first, 1))).map { (first + Double($0)) * unit }
  }

  /// A coordinate.
  package static func text(_ value: Double) -> String { String(format: "%.1f", value) }

  /// A number beside an axis.
  package static func number(_ value: Double) -> String { String(format: "%.4g", abs(value) < 1e-15 ? 0 : value) }

  /// Words within an element.
  package static func escaped(_ words: String) -> String {
    words.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;")
  }
}
