#if Tools
  import ArgumentParser
  import Foundation
  import SegPipelines

  struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Time a network, or a training step of it.",
      discussion: "From an image tensor to logits; with --train forward, loss, backward and an SGD step. Fresh weights."
    )

    @Option(help: "A model's published name.") var model: String
    @Option(help: "Rows of the image.") var height = 512
    @Option(help: "Columns of the image.") var width = 1024
    @Option(help: "Images at once.") var batch = 1
    @Option(help: "Timed repetitions, after two untimed ones.") var iterations = 10
    @OptionGroup var threads: ThreadOptions
    @Flag(help: "Time a training step.") var train = false
    @Flag(help: "Print the time of every step of the compiled network.") var steps = false
    @Flag(help: "Time a debug build all the same.") var allowDebug = false
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
      try reportingErrors {
        try threads.apply()
        guard height > 0, width > 0, batch > 0, iterations > 0 else {
          throw UsageError("height, width, batch and iterations must be positive")
        }
        guard allowDebug || Doctor().build == "release" else {
          throw UsageError(
            "this is a debug build, whose times mean nothing; build with '-c release', or say --allow-debug")
        }
        if steps {
          let times = try Benchmark.steps(
            ModelName(model), height: height, width: width, batch: batch, iterations: iterations)
          for step in times { print(String(format: "%8.3f ms  ", step.seconds * 1000) + step.name) }
          return
        }
        let result = try Benchmark(
          ModelName(model), height: height, width: width, batch: batch, iterations: iterations, isTraining: train)
        if json { return try Console.json(result) }
        print(
          String(
            format: "median %.1f ms, least %.1f ms, 90 %% below %.1f ms", result.median_seconds * 1000,
            result.min_seconds * 1000, result.p90_seconds * 1000)
            + String(
              format: "; %.0f GFLOP/s, peak %.0f MB", result.gflop_per_second, Double(result.peak_rss_bytes) / 1e6)
            + "; \(result.threads) threads")
      }
    }
  }
#endif
