import ArgumentParser
import Foundation
import SegData
import SegImages
import SegKernels
import SegPipelines
import SegTraining

/// `benchmarks arms`: the latencies of an experiment's arms, in one interleaved run.
struct Arms: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare the latencies of an experiment's arms.",
    discussion: """
      Networks with fresh weights, compiled for one image of the preset's size. Each round times every arm once; ratios \
      to the first arm are taken within a round, and their medians count.
      """)

  @OptionGroup var machine: MachineOptions
  @Argument(help: "The paper.") var paper: String
  @Option(help: "quick or full.") var preset = "quick"
  @Option(help: "Rounds.") var rounds = 15

  /// What is found of an arm; the names are those of the JSON.
  private struct Row: Codable {
    let arm: String
    let settings: [String: Setting]
    let parameters: Int
    let median_seconds: Double
    /// Times the first arm's, in the median round and in those at 10 and 90 %.
    let ratio: Double, ratio_p10: Double, ratio_p90: Double
  }

  func run() throws {
    try reportingErrors {
      guard rounds > 0 else { throw UsageError("--rounds: expected at least 1, found \(rounds)") }
      guard let preset = Experiment.Preset(rawValue: preset) else {
        throw UsageError("--preset: expected quick or full, found '\(preset)'")
      }
      guard let paper = Papers.all.first(where: { $0.experiment.paper == paper }) as? any SegmentationReproduction
      else { throw UsageError("expected a paper whose arms segment images, found '\(paper)'") }
      _ = try machine.prepare()
      let rows = try measure(paper, preset)
      if machine.json { return try printJSON(rows) }
      let width = rows.map(\.arm.count).max() ?? 0
      for row in rows {
        print(
          row.arm.padded(to: width)
            + String(
              format: "  %8.2f ms  %.3f (%.3f–%.3f) of %@  %d parameters", row.median_seconds * 1000, row.ratio,
              row.ratio_p10, row.ratio_p90, rows[0].arm, row.parameters))
      }
    }
  }

  private func measure(_ paper: any SegmentationReproduction, _ preset: Experiment.Preset) throws -> [Row] {
    let setup = RunSetup(
      preset: preset, data: ExperimentData("streets", folds: []), folder: FileManager.default.temporaryDirectory)
    let size = paper.size(preset), arms = paper.experiment.arms
    let networks = try arms.map { try paper.build($0, paper.recipe($0, preset), .cityscapes, setup).predictor }
    let sessions = networks.map { $0.compiled(for: [1, 3, size.height, size.width]).makeSession() }
    var random = RandomSource(seed: 1)
    let x = Tensor.normal([1, 3, size.height, size.width], using: &random), clock = ContinuousClock()
    var outputs = sessions.map { Tensor.zeros($0.program.outputShapes[0]) }
    func round() -> [Double] {
      sessions.indices.map { arm in clock.measure { sessions[arm].run(x, into: &outputs[arm]) }.inSeconds }
    }
    _ = round()
    let times = (0..<rounds).map { _ in round() }
    return arms.indices.map { arm in
      let ratios = times.map { $0[arm] / $0[0] }.sorted()
      return Row(
        arm: arms[arm].name, settings: arms[arm].settings, parameters: networks[arm].parameterCount,
        median_seconds: times.map { $0[arm] }.sorted()[rounds / 2], ratio: ratios[rounds / 2],
        ratio_p10: ratios[rounds / 10], ratio_p90: ratios[min(rounds * 9 / 10, rounds - 1)])
    }
  }
}
