/// What experiments found, as a page of Markdown: every contrast with its intervals, whatever it says, then the arms.
public struct ResultsPage {
  private let reports: [ExperimentRunner.Report]

  /// A page of reports, in their order.
  public init(_ reports: [ExperimentRunner.Report]) { self.reports = reports }

  /// The page.
  public var markdown: String {
    let head = """
      # Results

      What `segkernels reproduce` found, written by `segkernels results` from the reports in `Documentation/results`.
      [Experiments](Experiments.md) says how to read it; the papers' pages say what was learnt. Differences are a − b of
      scores that are shares of 1; `inconclusive` means that these seeds cannot tell.

      """
    return ([head] + reports.map(section)).joined(separator: "\n")
  }

  private func section(_ report: ExperimentRunner.Report) -> String {
    var lines = ["## \(report.title)", "", sentence(report.extent)]
    if let circumstances = report.circumstances { lines.append(sentence(circumstances)) }
    lines += [""] + table(report.contrastTable) + [""] + table(report.armTable) + [""]
    for note in report.notes { lines.append("- \(note)") }
    if !report.notes.isEmpty { lines.append("") }
    return lines.joined(separator: "\n")
  }

  private func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() + "." }

  private func table(_ rows: [[String]]) -> [String] {
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    let rule = line(rows[0].indices.map { $0 == 0 ? "---" : "---:" })
    return [line(rows[0]), rule] + rows.dropFirst().map(line)
  }
}
