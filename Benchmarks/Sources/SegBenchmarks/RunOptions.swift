import ArgumentParser
import Foundation
import SegKernels
import SegPipelines

/// What every list of workloads takes: which rows, and what becomes of the results.
struct RunOptions: ParsableArguments {
  @OptionGroup var machine: MachineOptions
  @Option(help: "Only rows whose name contains this text; repeatable.") var filter: [String] = []
  @Option(help: "How long a row is timed; five times at least.") var seconds = 0.3
  @Option(help: "A file that an earlier run printed with --json, to compare medians with.") var baseline: String?
  @Option(help: "How much slower than the baseline a row may be.") var failOver = Percentage(share: 0.1)

  /// Times the workloads, prints the results, and compares them.
  ///
  /// - Throws: exit code 1 after one line a row that is slower than the baseline allows, in two measurements.
  func run(_ workloads: () throws -> [Workload]) throws {
    try reportingErrors {
      var machine = try self.machine.prepare()
      let baseline = try baseline.map { try Report(baseline: $0, for: machine) }
      guard seconds >= 0 else { throw UsageError("--seconds: expected 0 or more, found \(seconds)") }
      let chosen = try workloads().filter { filter.isEmpty || filter.contains(where: $0.name.contains) }
      guard !chosen.isEmpty else {
        throw UsageError("--filter: no row's name contains '\(filter.joined(separator: "' or '"))'")
      }
      let results = chosen.enumerated().map { index, workload in
        if index % 10 == 0 { machine.sample() }
        note("\(index + 1)/\(chosen.count)  \(workload.name)")
        return Measurement(workload, seconds: seconds)
      }
      machine.sample()
      let report = Report(machine: machine, results: results)
      if self.machine.json { try printJSON(report) } else { report.printTable() }
      if let baseline { try compare(results, chosen, with: baseline) }
    }
  }

  private func compare(_ results: [Measurement], _ workloads: [Workload], with baseline: Report) throws {
    let known = Dictionary(
      baseline.results.map { ($0.name, $0.median_seconds) }, uniquingKeysWith: { first, _ in first })
    let limit = 1 + failOver.share
    var (compared, slower) = (0, 0)
    for (result, workload) in zip(results, workloads) {
      guard let before = known[result.name] else { continue }
      compared += 1
      guard result.median_seconds > before * limit else { continue }
      // Once more: a neighbour may have been busy.
      let now = min(result.median_seconds, Measurement(workload, seconds: seconds).median_seconds)
      guard now > before * limit else { continue }
      slower += 1
      note(
        "slower: \(result.name): "
          + String(format: "%.3f ms, %.3f before (%+.0f%%)", now * 1000, before * 1000, (now / before - 1) * 100))
    }
    note("\(compared) rows compared with the baseline, \(slower) slower by more than \(failOver)")
    if slower > 0 { throw ExitCode(1) }
  }
}
