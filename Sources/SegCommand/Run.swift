#if Tools
  import ArgumentParser
  import Foundation
  import SegPipelines

  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Run a network on raw tensors.",
      discussion: "Arrays N×C×H×W from .npy, .npz or .safetensors; results under the same names in any of these.")

    @OptionGroup var options: ModelOptions
    @OptionGroup var threads: ThreadOptions
    @Option(help: "The arrays to run on.") var input: String
    @Option(help: "The file for the results.") var output: String
    @Flag(help: "Overwrite the output if it exists.") var force = false

    func run() throws {
      try reportingErrors {
        try threads.apply()
        let shapes = try RawRun.run(
          loaded(), input: URL(fileURLWithPath: input), output: URL(fileURLWithPath: output), overwrite: force)
        for shape in shapes { print("\(output): \(shape)") }
      }
    }

    private func loaded() throws -> LoadedModel {
      if options.weights != nil || options.isONNXFile { return try options.load() }
      Console.note("note: no --weights given; fresh ones of seed 0")
      return try LoadedModel(options.model.map { ModelName($0) }, weights: .fresh(seed: 0))
    }
  }
#endif
