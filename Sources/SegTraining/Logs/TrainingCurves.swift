import Foundation
import SegFiles

/// Curves one below the other. `curves.svg`: loss, rate and scores of a run over its steps, one panel each.
package struct TrainingCurves {
  /// One curve: points by step, and the least and the largest value near each where points stand for several steps.
  struct Curve {
    let title: String
    let points: [(step: Double, value: Double, low: Double, high: Double)]
    let color: String
    /// Whether the axis begins at 0; else where the values do.
    var startsAtZero = true
  }

  let curves: [Curve]
  /// What is counted along the curves.
  let unit: String

  /// A curve for each list of values that has any; nil where there is none, x being the place in the list.
  ///
  /// - Parameter unit: what a place of the list is.
  package init(_ values: [(title: String, color: String, values: [Double?])], by unit: String) {
    self.unit = unit
    curves = values.compactMap { curve in
      let points = curve.values.enumerated().compactMap { place, value in
        value.map { (step: Double(place), value: $0, low: $0, high: $0) }
      }
      return points.isEmpty
        ? nil : Curve(title: curve.title, points: points, color: curve.color, startsAtZero: false)
    }
  }

  /// The curves of a log.
  init(_ lines: [MetricsLog.Line]) {
    func curve(_ title: String, _ color: String, _ value: (MetricsLog.Line) -> Double?) -> Curve {
      let known = lines.compactMap { line in value(line).map { (Double(line.step), $0) } }
      // At most 300 points: neighbouring steps are averaged.
      let share = max(1, (known.count + 299) / 300)
      let points = stride(from: 0, to: known.count, by: share).map { first in
        let part = known[first..<min(first + share, known.count)], values = part.map(\.1)
        return (
          step: part.last!.0, value: values.reduce(0, +) / Double(values.count), low: values.min()!, high: values.max()!
        )
      }
      return Curve(title: title, points: points, color: color)
    }
    unit = "step"
    let scores = Set(lines.flatMap { ($0.scores ?? [:]).keys }).sorted()
    curves =
      ([
        curve("loss", "#1f5fa8") { $0.loss.map(Double.init) },
        curve("learning rate", "#7a7a7a") { $0.learningRate.map(Double.init) },
      ] + scores.map { name in curve(name, "#b3441e") { $0.scores?[name] } }).filter { !$0.points.isEmpty }
  }

  /// The curves of a run's log.
  init(_ folder: URL) { self.init(MetricsLog.lines(of: MetricsLog.file(in: folder))) }

  /// Writes the picture into a run's folder.
  func write(to folder: URL) throws {
    let text = Array(svg.utf8)
    try writeAtomically(to: folder.appendingPathComponent("curves.svg").relativePath, overwrite: true) {
      try $0.write(text)
    }
  }

  private let width = 860.0, height = 220.0
  /// Room for the numbers of the axes.
  private let left = 70.0, right = 20.0, top = 34.0, bottom = 30.0

  /// The picture.
  package var svg: String {
    let whole = height * Double(max(curves.count, 1))
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(SVG.text(width))\" height=\"\(SVG.text(whole))\" "
        + "viewBox=\"0 0 \(SVG.text(width)) \(SVG.text(whole))\" font-family=\"sans-serif\" font-size=\"12\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
    ]
    for (index, curve) in curves.enumerated() { lines += panel(curve, top: Double(index) * height + top) }
    return (lines + ["</svg>", ""]).joined(separator: "\n")
  }

  private func panel(_ curve: Curve, top: Double) -> [String] {
    let area = (width: width - left - right, height: height - self.top - bottom)
    let steps = SVG.axis(0, curve.points.map(\.step).max()!)
    let (low, high) = (curve.points.map(\.low).min()!, curve.points.map(\.high).max()!)
    // A hundredth at least, so that what does not change is not drawn as noise.
    let values = SVG.axis(curve.startsAtZero ? min(low, 0) : min(low, high - 0.01), high)
    func x(_ step: Double) -> String {
      SVG.text(left + area.width * (step - steps.first!) / (steps.last! - steps.first!))
    }
    func y(_ value: Double) -> String {
      SVG.text(top + area.height * (1 - (value - values.first!) / (values.last! - values.first!)))
    }
    var lines = [
      "<text x=\"\(SVG.text(left))\" y=\"\(SVG.text(top - 10))\" font-weight=\"bold\">\(curve.title)</text>",
      "<text x=\"\(SVG.text(width - right))\" y=\"\(SVG.text(top - 10))\" fill=\"#7a7a7a\" text-anchor=\"end\">by \(unit)</text>",
    ]
    for value in values {
      lines.append(
        "<line x1=\"\(SVG.text(left))\" x2=\"\(SVG.text(width - right))\" y1=\"\(y(value))\" y2=\"\(y(value))\" stroke=\"#dddddd\"/>"
          + "<text x=\"\(SVG.text(left - 6))\" y=\"\(y(value))\" dy=\"4\" text-anchor=\"end\">\(SVG.number(value))</text>"
      )
    }
    for step in steps {
      lines.append(
        "<text x=\"\(x(step))\" y=\"\(SVG.text(top + area.height + 16))\" text-anchor=\"middle\">\(SVG.number(step))</text>"
      )
    }
    if curve.points.contains(where: { $0.low < $0.high }) {
      let band =
        curve.points.map { "\(x($0.step)),\(y($0.high))" }
        + curve.points.reversed().map { "\(x($0.step)),\(y($0.low))" }
      lines.append(
        "<polygon points=\"\(band.joined(separator: " "))\" fill=\"\(curve.color)\" fill-opacity=\"0.2\"/>")
    }
    if curve.points.count > 1 {
      let line = curve.points.map { "\(x($0.step)),\(y($0.value))" }.joined(separator: " ")
      lines.append("<polyline points=\"\(line)\" fill=\"none\" stroke=\"\(curve.color)\" stroke-width=\"1.5\"/>")
    }
    if curve.points.count < 30 {
      lines += curve.points.map {
        "<circle cx=\"\(x($0.step))\" cy=\"\(y($0.value))\" r=\"2.5\" fill=\"\(curve.color)\"/>"
      }
    }
    return lines
  }
}
