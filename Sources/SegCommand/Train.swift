#if Tools
  import ArgumentParser
  import Foundation
  import SegDistributed
  import SegPipelines
  import SegTraining

  struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train a network by a recipe.",
      discussion: """
        The folder gets recipe.json, metrics.jsonl, the last two checkpoints and at the end weights.safetensors, \
        results.json and samples.png. Started by mpirun, several processes share each batch; see \
        Documentation/Distributed.md. Bundled recipes: \(RecipeFile.names.joined(separator: ", ")).
        """)

    @Option(help: "A bundled recipe's name, or a YAML file.") var recipe: String?
    @Option(
      name: .customLong("set"), help: "Change a key of the recipe: key=value, such as optimization.learningRate=0.02.")
    var settings: [String] = []
    @Option(help: "The folder of the run; runs/<recipe's name> by default.") var out: String?
    @Option(help: "Go on with the run in this folder.") var resume: String?
    @OptionGroup var threads: ThreadOptions
    @Flag(help: "Print one JSON object at the end.") var json = false

    func run() throws {
      try reportingErrors {
        try threads.apply()
        try ProcessLaunch.join(sharesProcessors: threads.threads == nil, onError: report, train)
      }
    }

    /// Says what ends a process, and with it the others.
    private func report(rank: Int, error: any Error) -> Int32 {
      Console.note("segkernels: process \(rank): \(error)")
      return ExitStatus(error).rawValue
    }

    private func train(_ group: (any ProcessGroup)?) throws {
      let isFirst = group?.isFirst ?? true
      let recipe = try group.map { try $0.firstInOne(resolvedRecipe) } ?? resolvedRecipe()
      let folder = URL(fileURLWithPath: resume ?? out ?? "runs/\(recipe.name)")
      let training = try TrainingRun(recipe, folder: folder, resume: resume != nil, group: group)
      if isFirst { for note in training.notes { Console.note("note: \(note)") } }
      var line = ProgressLine(), phase = "training"
      func show(_ name: String, _ done: Int, of total: Int, _ text: String) {
        if name != phase { line = ProgressLine() }
        phase = name
        line.show(done, of: total, text)
      }
      let outcome = try training.run(searching: { show($0, $1, of: $2, $0) }) { progress in
        guard isFirst else { return }
        show(
          "training", progress.step, of: progress.steps,
          String(format: "loss %.4f  rate %.5f  ", progress.loss, progress.learningRate)
            + "\(Console.time(progress.seconds)) passed, \(Console.time(progress.secondsLeft)) left")
      }
      guard isFirst else { return }
      if json { return try Console.json(outcome) }
      if let validation = outcome.validation { printScores(validation) }
      if let panoptic = outcome.panoptic { printScores(panoptic) }
      if let depth = outcome.depth { printScores(depth) }
      print("\(outcome.folder)/weights.safetensors")
    }

    /// A resumed run takes its recipe from its folder.
    private func resolvedRecipe() throws -> Recipe {
      if let recipe { return try RecipeFile.read(recipe, settings: settings) }
      guard let resume else { throw UsageError("expected --recipe NAME or --resume FOLDER") }
      return try RecipeFile.read(resume + "/recipe.json", settings: settings)
    }
  }
#endif
