#if Tools
  import ArgumentParser
  import Foundation
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
        Console.table(report.armTable)
        print("")
        Console.table(report.contrastTable)
        for note in report.notes { print("note: \(note)") }
        print(report.summary)
        print(reproduction.folder.appendingPathComponent("differences.svg").relativePath)
      }
    }
  }
#endif
