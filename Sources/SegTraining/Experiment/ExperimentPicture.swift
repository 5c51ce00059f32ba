import Foundation
import SegFiles

/// `differences.svg`: a panel for each metric, a row in it for each contrast: the differences of the seeds as dots,
/// their mean with its 95 % interval, beneath it broad and pale that of the bootstrap over images (or clips), and a line
/// at 0.
struct ExperimentPicture {
  private let report: ExperimentRunner.Report

  init(_ report: ExperimentRunner.Report) { self.report = report }

  /// Writes the picture.
  func write(to file: URL) throws {
    let text = Array(svg.utf8)
    try writeAtomically(to: file.relativePath, overwrite: true) { try $0.write(text) }
  }

  private let width = 860.0, left = 300.0, right = 150.0, row = 30.0, head = 34.0, foot = 34.0

  /// The picture.
  var svg: String {
    let answer = report.answer
    var metrics: [String] = []
    for contrast in answer.contrasts where !metrics.contains(contrast.metric) { metrics.append(contrast.metric) }
    var top = 40.0, lines: [String] = []
    for metric in metrics {
      let contrasts = answer.contrasts.filter { $0.metric == metric && !$0.differences.isEmpty }
      guard !contrasts.isEmpty else { continue }
      lines += panel(metric, contrasts, top: top)
      top += head + foot + row * Double(contrasts.count)
    }
    let title = "\(answer.paper) on \(answer.data), \(answer.preset.rawValue): \(answer.steps) steps"
    let whole = SVG.text(top + 10)
    return
      ([
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(SVG.text(width))\" height=\"\(whole)\" "
          + "viewBox=\"0 0 \(SVG.text(width)) \(whole)\" font-family=\"sans-serif\" font-size=\"12\">",
        "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
        "<text x=\"10\" y=\"22\" font-size=\"14\">\(SVG.escaped(title))</text>",
      ] + lines + ["</svg>", ""]).joined(separator: "\n")
  }

  private func panel(_ metric: String, _ contrasts: [ExperimentAnswer.Contrast], top: Double) -> [String] {
    let values: [Double] =
      [0]
      + contrasts.flatMap { contrast -> [Double] in
        contrast.differences + (contrast.ci95 ?? []) + (report.bootstrap(of: contrast) ?? [])
      }
    let ticks = SVG.axis(values.min()!, values.max()!), area = width - left - right
    let bottom = top + head + row * Double(contrasts.count)
    func x(_ value: Double) -> String {
      SVG.text(left + area * (value - ticks.first!) / (ticks.last! - ticks.first!))
    }
    var lines = ["<text x=\"10\" y=\"\(SVG.text(top + 20))\" font-weight=\"bold\">\(SVG.escaped(metric))</text>"]
    for tick in ticks {
      let color = tick == 0 ? "#444444" : "#dddddd"
      lines.append(
        "<line x1=\"\(x(tick))\" x2=\"\(x(tick))\" y1=\"\(SVG.text(top + head))\" y2=\"\(SVG.text(bottom))\" "
          + "stroke=\"\(color)\"/><text x=\"\(x(tick))\" y=\"\(SVG.text(bottom + 16))\" text-anchor=\"middle\">"
          + "\(SVG.number(tick))</text>")
    }
    for (index, contrast) in contrasts.enumerated() {
      let y = SVG.text(top + head + row * (Double(index) + 0.5))
      let name = "\(contrast.a) − \(contrast.b) (\(contrast.role.rawValue))"
      lines.append("<text x=\"10\" y=\"\(y)\" dy=\"4\">\(SVG.escaped(name))</text>")
      func bar(_ interval: [Double], _ color: String, width: Int) -> String {
        "<line x1=\"\(x(interval[0]))\" x2=\"\(x(interval[1]))\" y1=\"\(y)\" y2=\"\(y)\" stroke=\"\(color)\" "
          + "stroke-width=\"\(width)\"/>"
      }
      if let interval = report.bootstrap(of: contrast) { lines.append(bar(interval, "#c9daee", width: 11)) }
      if let interval = contrast.ci95 { lines.append(bar(interval, "#1f5fa8", width: 3)) }
      lines += contrast.differences.map {
        "<circle cx=\"\(x($0))\" cy=\"\(y)\" r=\"3\" fill=\"none\" stroke=\"#b3441e\"/>"
      }
      if let mean = contrast.mean { lines.append("<circle cx=\"\(x(mean))\" cy=\"\(y)\" r=\"4\" fill=\"#1f5fa8\"/>") }
      lines.append(
        "<text x=\"\(SVG.text(width - right + 20))\" y=\"\(y)\" dy=\"4\">"
          + "\(contrast.verdict.rawValue.replacingOccurrences(of: "_", with: " "))</text>")
    }
    return lines
  }
}
