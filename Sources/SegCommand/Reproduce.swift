#if Tools
  import ArgumentParser
  import Foundation
  import SegMetrics
  import SegPipelines
  import SegTraining

  extension Experiment.Preset: ExpressibleByArgument {}

  struct ReproduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "reproduce", abstract: "Test a paper's claim by a controlled experiment.",
      discussion: """
        Papers: \(Papers.names.joined(separator: ", ")). Every finished run is kept in the folder, so that later calls add \
        seeds and arms, and a call that was interrupted goes on. The folder gets report.json and differences.svg. \
        Documentation/Experiments.md tells how to read the result.
        """)

    @Argument(help: "The paper.") var paper: String
    @Option(help: "streets[:SEED], cityscapes[:FOLDER], camvid[:FOLDER] or another kind with labels.")
    var data = "streets"
    @Option(help: "\(Experiment.Preset.allCases.map(\.rawValue).joined(separator: " or ")).")
    var preset = Experiment.Preset.quick
    @Option(help: "Seeds of every arm; by default 8 for claims and 4 for controls.") var seeds: Int?
    @Option(help: "Training steps of a run; other phases are cut to as many images.") var steps: Int?
    @Option(help: "The arms to run, with commas between; all by default.") var arms: String?
    @Flag(help: "Start without the encoder that all arms share otherwise.") var fromScratch = false
    @Option(help: "The experiment's folder; runs/reproduce-PAPER by default.") var out: String?
    @OptionGroup var threads: ThreadOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
      try reportingErrors {
        try threads.apply()
        var options = Reproduce.Options()
        (options.data, options.preset, options.seeds, options.steps) = (data, preset, seeds, steps)
        options.arms = arms?.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        options.isFromScratch = fromScratch
        options.folder = out
        let reproduction = try Reproduce(paper, options)
        var line = ProgressLine()
        let report = try reproduction.run { run, phase, done, total in line.show(done, of: total, "\(run), \(phase)") }
        if json { return try Console.json(report.answer) }
        printReport(report)
        print(reproduction.folder.appendingPathComponent("differences.svg").relativePath)
      }
    }

    private func printReport(_ report: ExperimentRunner.Report) {
      let answer = report.answer
      func text(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "-" }
      // Arms of one experiment may be scored by metrics of their own.
      let names = answer.arms.flatMap { $0.metrics.map(\.name) }.reduce(into: [String]()) { names, name in
        if !names.contains(name) { names.append(name) }
      }
      Console.table(
        [["arm"] + answer.arms.map(\.name)]
          + [["seeds"] + answer.arms.map { "\($0.metrics.first?.values.count ?? 0)" }]
          + [["parameters"] + answer.arms.map { "\($0.parameters)" }]
          + [["training GFLOP an image"] + answer.arms.map { String(format: "%.2f", $0.train_gflop_per_image) }]
          + [["inference ms"] + answer.arms.map { String(format: "%.1f", $0.infer_ms) }]
          + names.map { name in
            [name]
              + answer.arms.map { arm in
                let metric = arm.metrics.first { $0.name == name }
                return text(metric?.mean) + (metric?.std.map { " ± " + text($0) } ?? "")
              }
          })
      print("")
      Console.table(
        [["contrast", "role", "mean", "95 % (seeds)", "95 % (images)", "verdict"]]
          + answer.contrasts.map { contrast in
            let bootstrap = report.bootstraps.first {
              $0.metric == contrast.metric && $0.a == contrast.a && $0.b == contrast.b
            }
            func interval(_ bounds: [Double]?) -> String {
              bounds.map { String(format: "%+.4f … %+.4f", $0[0], $0[1]) } ?? "-"
            }
            return [
              "\(contrast.metric): \(contrast.a) − \(contrast.b)", contrast.role.rawValue,
              contrast.mean.map { String(format: "%+.4f", $0) } ?? "-", interval(contrast.ci95),
              interval(bootstrap?.bootstrap.interval),
              contrast.verdict.rawValue.replacingOccurrences(of: "_", with: " "),
            ]
          })
      for note in report.notes { print("note: \(note)") }
      print(
        "\(answer.paper) on \(answer.data), \(answer.preset.rawValue): \(answer.steps) steps, "
          + "\(Console.time(answer.seconds)) of training")
    }
  }
#endif
