import Foundation
import SegMetrics

extension ExperimentRunner.Report {
  /// What each arm is, costs and scores: a header, then a row a property, a column an arm. Scores: mean ± deviation over
  /// seeds.
  public var armTable: [[String]] {
    let arms = answer.arms
    // Arms of one experiment may be scored by metrics of their own.
    let names = arms.flatMap { $0.metrics.map(\.name) }.reduce(into: [String]()) { names, name in
      if !names.contains(name) { names.append(name) }
    }
    var rows = [["arm"] + arms.map(\.name)]
    rows.append(["seeds"] + arms.map { "\($0.metrics.first?.values.count ?? 0)" })
    rows.append(["parameters"] + arms.map { "\($0.parameters)" })
    rows.append(["training GFLOP an image"] + arms.map { String(format: "%.2f", $0.train_gflop_per_image) })
    rows.append(["inference ms"] + arms.map { String(format: "%.1f", $0.infer_ms) })
    return rows + names.map { name in [name] + arms.map { score($0.metrics.first { $0.name == name }) } }
  }

  private func score(_ metric: ExperimentAnswer.Metric?) -> String {
    guard let mean = metric?.mean else { return "-" }
    let deviation = metric?.std.map { String(format: " ± %.4f", $0) }
    return String(format: "%.4f", mean) + (deviation ?? "")
  }

  /// What the contrasts come to: a header, then a row a contrast.
  public var contrastTable: [[String]] {
    [["contrast", "role", "mean", "95 % (seeds)", "95 % (images)", "verdict"]]
      + answer.contrasts.map { contrast in
        [
          "\(contrast.metric): \(contrast.a) − \(contrast.b)", contrast.role.rawValue,
          contrast.mean.map { String(format: "%+.4f", $0) } ?? "-", interval(contrast.ci95),
          interval(bootstrap(of: contrast)), contrast.verdict.rawValue.replacing("_", with: " "),
        ]
      }
  }

  /// The 95 % interval of a contrast over images; nil where its metric does not follow from sums over them.
  func bootstrap(of contrast: ExperimentAnswer.Contrast) -> [Double]? {
    bootstraps.first { $0.metric == contrast.metric && $0.a == contrast.a && $0.b == contrast.b }?.bootstrap.interval
  }

  private func interval(_ bounds: [Double]?) -> String {
    bounds.map { String(format: "%+.4f … %+.4f", $0[0], $0[1]) } ?? "-"
  }

  /// What was run, in one line.
  public var summary: String { "\(title), \(extent)" }

  /// The paper and the data.
  var title: String { "\(answer.paper) on \(answer.data)" }

  /// How much was run.
  var extent: String {
    let seeds = answer.seeds == 1 ? "1 seed" : "\(answer.seeds) seeds"
    let minutes = max(1, Int((answer.seconds / 60).rounded()))
    return "\(answer.preset.rawValue): \(answer.steps) steps, \(seeds), \(minutes) min of training"
  }

  /// When and where; nil where the runs do not say.
  public var circumstances: String? {
    guard !days.isEmpty, !machines.isEmpty else { return nil }
    return days.joined(separator: " to ") + ", " + machines.joined(separator: " and ")
  }
}
