import Foundation
import SegFiles
import SegKernels
import SegMetrics

/// Runs an experiment, or a slice of it, in a folder, and says what all runs that were ever finished there add up to.
///
/// The folder holds `experiment.json` (arms and contrasts), `runs/` (a file for each finished arm and seed, by the hash
/// of what it depends on), `training/` (checkpoints of unfinished runs, which go on where they stood), `shared/` (what several
/// runs need, where a paper has such), and, after every call, `report.json` and `differences.svg`.
public struct ExperimentRunner {
  /// The answer and what stands beside it.
  public struct Report: Sendable, Codable {
    /// What `--json` prints.
    public let answer: ExperimentAnswer
    /// One for each contrast whose metric follows from sums over images: draws of test images, the mean over seeds each
    /// time. They tell whether the images would have done, as the t intervals tell whether the seeds would.
    public let bootstraps: [Bootstrap]
    /// What a reader must know.
    public let notes: [String]
    /// The machines that runs were made on, and the first and the last day (UTC); empty where the runs do not say.
    public let machines, days: [String]
  }

  /// The bootstrap over images of one contrast.
  public struct Bootstrap: Sendable, Codable {
    /// The contrast's metric and arms.
    public let metric, a, b: String
    /// Images, difference and interval.
    public let bootstrap: PairedBootstrap
  }

  /// Told what runs: which of how many runs, and what is done in it, how much of how much.
  public typealias Progress = (_ run: String, _ phase: String, _ done: Int, _ of: Int) -> Void

  private let reproduction: any Reproduction
  private let setup: RunSetup
  private let folder: URL
  private var experiment: Experiment { reproduction.experiment }

  /// A runner in the folder of an experiment.
  ///
  /// - Parameters:
  ///   - reproduction: the paper's experiment.
  ///   - setup: what all runs share; its folder is the experiment's.
  public init(_ reproduction: any Reproduction, _ setup: RunSetup) {
    self.reproduction = reproduction
    self.setup = setup
    folder = setup.folder
  }

  private var runs: URL { folder.appendingPathComponent("runs") }

  /// Runs what is not finished yet: for each seed all arms, so that pairs become complete early.
  ///
  /// - Parameters:
  ///   - arms: the arms to run, by default all that the data suit. Traps at names that there are not.
  ///   - seeds: seeds 1 to this for every arm; by default as many as each arm's contrasts need.
  ///   - progress: told what is done.
  /// - Throws: `ReproductionError` where an arm was asked for that the data do not suit, and what runs throw.
  public func run(arms: [String]? = nil, seeds: Int? = nil, _ progress: Progress) throws -> Report {
    try folder.makeFolder()
    try writeJSON(experiment, to: folder.appendingPathComponent("experiment.json"))
    let chosen = try experiment.arms.filter { arm in
      let problem = reproduction.problem(of: arm, on: setup.data)
      guard let arms else { return problem == nil }
      guard arms.contains(arm.name) else { return false }
      if let problem { throw ReproductionError("\(experiment.paper): arm \(arm.name): \(problem)") }
      return true
    }
    precondition(chosen.count == arms?.count ?? chosen.count, "ExperimentRunner: unknown arms in \(arms ?? [])")
    let counts = chosen.map { seeds ?? experiment.seeds(of: $0) }
    let slice = (1...(counts.max() ?? 1)).flatMap { seed in
      zip(chosen, counts).filter { $0.1 >= seed }.map { (arm: $0.0, seed: UInt64(seed)) }
    }
    for (number, part) in slice.enumerated() {
      let key = key(part.arm, part.seed)
      guard RunRecord(part.arm.name, part.seed, key, in: runs) == nil else { continue }
      var setup = setup
      setup.folder = folder.appendingPathComponent("training/\(part.arm.name)-\(part.seed)-\(key)")
      setup.shared = folder.appendingPathComponent("shared")
      try setup.folder.makeFolder()
      let name = "run \(number + 1)/\(slice.count): \(part.arm.name), seed \(part.seed)"
      let result = try withoutActuallyEscaping(progress) { progress in
        try reproduction.run(part.arm, seed: part.seed, setup: setup) { progress(name, $0, $1, $2) }
      }
      try RunRecord(arm: part.arm.name, seed: part.seed, key: key, result: result).write(into: runs)
      try? FileManager.default.removeItem(at: setup.folder)
    }
    let report = report()
    try writeJSON(report, to: folder.appendingPathComponent("report.json"))
    try ExperimentPicture(report).write(to: folder.appendingPathComponent("differences.svg"))
    return report
  }

  /// A hash of everything that a run's result depends on.
  private func key(_ arm: Experiment.Arm, _ seed: UInt64) -> String {
    struct Identity: Encodable {
      let paper: String, arm: Experiment.Arm, recipe: Recipe, preset: Experiment.Preset, data: String
      let size: [Int], steps: Int?, hasEncoder: Bool, seed: UInt64
    }
    let size = reproduction.size(setup.preset)
    let identity = Identity(
      paper: experiment.paper, arm: arm, recipe: reproduction.recipe(arm, setup.preset), preset: setup.preset,
      data: setup.data.name, size: [size.height, size.width], steps: setup.steps,
      hasEncoder: setup.encoder != nil, seed: seed)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let text = String(decoding: (try? encoder.encode(identity)) ?? Data(), as: UTF8.self)
    return String(stableHash(text), radix: 16)
  }

  /// Every finished run of an arm, by seed.
  private func finished(_ arm: Experiment.Arm) -> [RunRecord] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: runs.relativePath)) ?? []
    let seeds = names.filter { $0.hasPrefix(arm.name + "-") && $0.hasSuffix(".json") }.compactMap {
      $0.dropFirst(arm.name.count + 1).split(separator: "-").first.flatMap { UInt64($0) }
    }
    return Set(seeds).sorted().compactMap { seed in
      RunRecord(arm.name, seed, key(arm, seed), in: runs)
    }
  }

  /// What all finished runs say.
  public func report() -> Report {
    let arms = experiment.arms.map { (arm: $0, runs: finished($0)) }.filter { !$0.runs.isEmpty }
    let records = arms.flatMap(\.runs), results = records.map(\.result)
    var contrasts: [ExperimentAnswer.Contrast] = [], bootstraps: [Bootstrap] = []
    for contrast in experiment.contrasts {
      guard let a = arms.first(where: { $0.arm.name == contrast.a })?.runs,
        let b = arms.first(where: { $0.arm.name == contrast.b })?.runs
      else { continue }
      let pairs = a.compactMap { a in b.first { $0.seed == a.seed }.map { (a.result, $0.result) } }
      guard !pairs.isEmpty else { continue }
      let (answer, bootstrap) = compare(pairs, contrast)
      contrasts.append(answer)
      if let bootstrap {
        bootstraps.append(Bootstrap(metric: contrast.metric, a: contrast.a, b: contrast.b, bootstrap: bootstrap))
      }
    }
    let answer = ExperimentAnswer(
      paper: experiment.paper, data: setup.data.name, preset: setup.preset, seeds: arms.map(\.runs.count).max() ?? 0,
      steps: results.map(\.steps).max() ?? 0, seconds: results.reduce(0) { $0 + $1.seconds },
      arms: arms.map { ExperimentRunner.answer($0.arm, $0.runs.map(\.result)) }, contrasts: contrasts)
    var notes: [String] = []
    for note in results.flatMap(\.notes) where !notes.contains(note) { notes.append(note) }
    if setup.data.isCaseStudy { notes.append("\(setup.data.name) is a case study: no interval, no verdict") }
    let days = records.compactMap(\.day)
    return Report(
      answer: answer, bootstraps: bootstraps, notes: notes, machines: Set(records.compactMap(\.machine)).sorted(),
      days: Set([days.min(), days.max()].compactMap { $0 }).sorted())
  }

  private func compare(
    _ pairs: [(RunResult, RunResult)], _ contrast: Experiment.Contrast
  ) -> (ExperimentAnswer.Contrast, PairedBootstrap?) {
    func metric(_ result: RunResult) -> RunResult.Metric? { result.metrics.first { $0.name == contrast.metric } }
    let higherIsBetter = pairs.lazy.compactMap { metric($0.0) }.first?.higherIsBetter ?? true
    let differences = PairedDifferences(
      pairs.compactMap { pair in
        guard let a = metric(pair.0)?.value, let b = metric(pair.1)?.value else { return nil }
        return a - b
      })
    let interval = setup.data.isCaseStudy ? nil : differences.interval
    let answer = ExperimentAnswer.Contrast(
      metric: contrast.metric, a: contrast.a, b: contrast.b, role: contrast.role, differences: differences.values,
      mean: differences.mean, ci95: interval.map { [$0.lowerBound, $0.upperBound] },
      verdict: ExperimentAnswer.Verdict(interval, higherIsBetter: higherIsBetter, allowing: contrast.allowance))
    guard let statistic = metric(pairs[0].0)?.statistic,
      pairs.allSatisfy({ metric($0.0)?.statistic == statistic && metric($0.1)?.statistic == statistic }),
      Set(pairs.flatMap { [$0.0.images.count, $0.1.images.count] }).count == 1, !pairs[0].0.images.isEmpty
    else { return (answer, nil) }
    // An image's row holds the columns of all seeds, one after another: a draw takes it for all of them.
    func rows(_ results: [RunResult]) -> [[Double]] {
      results[0].images.indices.map { image in
        results.flatMap { $0.images[image].dropFirst(statistic.first).prefix(statistic.count) }
      }
    }
    let columns = ImageStatistic(statistic.kind, columns: 0..<statistic.count)
    let bootstrap = PairedBootstrap(rows(pairs.map(\.0)), rows(pairs.map(\.1)), resamples: 1000) { sums in
      let scores = (0..<pairs.count).compactMap {
        columns(sums.dropFirst($0 * statistic.count).prefix(statistic.count))
      }
      return scores.count == pairs.count ? scores.reduce(0, +) / Double(scores.count) : nil
    }
    return (answer, bootstrap)
  }

  private static func answer(_ arm: Experiment.Arm, _ results: [RunResult]) -> ExperimentAnswer.Arm {
    let times = results.map(\.inferMilliseconds).sorted()
    let metrics = results[0].metrics.map { metric in
      let values = results.map { result in result.metrics.first { $0.name == metric.name }?.value }
      let known = PairedDifferences(values.compactMap { $0 })
      return ExperimentAnswer.Metric(
        name: metric.name, higher_is_better: metric.higherIsBetter, values: values, mean: known.mean,
        std: known.deviation)
    }
    return ExperimentAnswer.Arm(
      name: arm.name, settings: arm.settings, parameters: results[0].parameters,
      train_gflop_per_image: results[0].trainGFLOPPerImage, infer_ms: times[times.count / 2], metrics: metrics)
  }
}
