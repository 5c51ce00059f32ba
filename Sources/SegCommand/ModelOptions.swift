#if Tools
  import ArgumentParser
  import Foundation
  import SegKernels
  import SegPipelines

  /// `--model` and `--weights`, shared by the verbs that use a network.
  struct ModelOptions: ParsableArguments {
    @Option(help: "A model's published name; see 'segkernels models'. May be left out where the weights name theirs.")
    var model: String?

    @Option(help: "A weights file: safetensors, or a PyTorch checkpoint.")
    var weights: String?

    /// Builds the model and loads the weights; differences between file and model are noted on stderr.
    func load() throws -> LoadedModel {
      guard let weights else { throw UsageError("expected --weights FILE") }
      let loaded = try LoadedModel(model.map { ModelName($0) }, weights: .file(URL(fileURLWithPath: weights)))
      for difference in loaded.report.differences { Console.note("note: \(difference)") }
      return loaded
    }
  }

  /// `--threads`.
  struct ThreadOptions: ParsableArguments {
    @Option(help: "Threads to use; all processors by default.")
    var threads: Int?

    func apply() throws {
      guard let threads else { return }
      guard threads >= 1 else { throw UsageError("--threads: expected at least 1, found \(threads)") }
      Threads.count = threads
    }
  }

  /// Rows and columns as HxW.
  struct Size: ExpressibleByArgument {
    let pair: Pair

    init?(argument: String) {
      let parts = argument.lowercased().split(separator: "x").map { Int($0) }
      guard parts.count == 2, let height = parts[0], let width = parts[1], (1...65536).contains(height),
        (1...65536).contains(width)
      else { return nil }
      pair = Pair(height: height, width: width)
    }
  }
#endif
