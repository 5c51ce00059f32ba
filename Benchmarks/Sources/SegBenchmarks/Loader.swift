import ArgumentParser
import Foundation
import SegData
import SegImages
import SegKernels
import SegPipelines
import SegTraining

/// `benchmarks loader`: how fast batches are made, beside how fast a training step eats them.
struct Loader: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare the rate at which batches are made with the rate at which a training step consumes them.",
    discussion: """
      Each round makes one batch from files and one from memory, on one thread, and takes one training step on all \
      threads; files have been read before, so that the disk does not count. A ratio of 5 means that the loader alone \
      makes five batches in the time of a step.
      """)

  @OptionGroup var machine: MachineOptions
  @Option(help: "A bundled recipe's name, or a YAML file.") var recipe = "camvid-ffnet22S-half"
  @Option(name: .customLong("set"), help: "Change a key of the recipe: key=value.") var settings: [String] = []
  @Option(help: "Rounds; the medians count.") var rounds = 12

  /// What is found; the names are those of the JSON.
  private struct Result: Codable {
    let recipe: String, model: String
    let batch: Int, crop: [Int], threads: Int, rounds: Int
    /// Medians, of a batch or a step.
    let files_seconds: Double, memory_seconds: Double, step_seconds: Double
    /// Batches made in the time of a step: medians over the rounds.
    let files_ratio: Double, memory_ratio: Double
  }

  func run() throws {
    try reportingErrors {
      guard rounds > 0 else { throw UsageError("--rounds: expected at least 1, found \(rounds)") }
      let result = try measure(RecipeFile.read(recipe, settings: settings), machine.prepare())
      if machine.json { return try printJSON(result) }
      print(
        "\(result.recipe), \(result.model), \(result.batch) × \(result.crop[0])×\(result.crop[1]), "
          + "\(result.threads) threads, \(result.rounds) rounds")
      print(
        String(
          format: "a step %.1f ms; a batch from files %.1f ms (%.1f a step), from memory %.1f ms (%.1f a step)",
          result.step_seconds * 1000, result.files_seconds * 1000, result.files_ratio, result.memory_seconds * 1000,
          result.memory_ratio))
    }
  }

  private func measure(_ recipe: Recipe, _ machine: Machine) throws -> Result {
    let dataset = try DataSource(kind: recipe.data.kind, root: recipe.data.root).dataset(split: recipe.data.split)
    func loader(cacheLimit: Int?) -> BatchLoader {
      BatchLoader(
        dataset, batchSize: recipe.batch, augmentation: recipe.augmentation, seed: recipe.seed, cacheLimit: cacheLimit)
    }
    let (files, memory) = (loader(cacheLimit: 0), loader(cacheLimit: nil))
    let model = try ModelRegistry.build(ModelName(recipe.model), classes: dataset.classes.count, seed: recipe.seed)
    let task = SegmentationTask(
      model.network, ignoreIndex: dataset.classes.ignoreIndex.map(Int.init),
      loss: SegmentationLoss(recipe.loss, classWeights: .ones([dataset.classes.count])))
    let optimizer = SGD(learningRate: 1e-4)
    model.network.setTraining(true)
    func step(_ batch: Batch, _ network: some UnaryModule) {
      optimizer.update(network, with: valueAndGradient(of: network) { _ in task.loss(batch, progress: 0) }.gradients)
    }
    let clock = ContinuousClock()
    step(try memory.batch(at: 0), model.network)
    let times = try (0..<rounds).map { round in
      note("round \(round + 1)/\(rounds)")
      // Once untimed: made-up data are rendered, the system reads the disk, the samples come into memory.
      let batch = try memory.batch(at: round)
      return (
        files: try clock.measure { _ = try files.batch(at: round) }.inSeconds,
        memory: try clock.measure { _ = try memory.batch(at: round) }.inSeconds,
        step: clock.measure { step(batch, model.network) }.inSeconds
      )
    }
    func median(_ values: [Double]) -> Double { values.sorted()[rounds / 2] }
    return Result(
      recipe: recipe.name, model: model.name.rawValue, batch: recipe.batch, crop: recipe.augment.crop,
      threads: machine.threads, rounds: rounds, files_seconds: median(times.map(\.files)),
      memory_seconds: median(times.map(\.memory)), step_seconds: median(times.map(\.step)),
      files_ratio: median(times.map { $0.step / $0.files }), memory_ratio: median(times.map { $0.step / $0.memory }))
  }
}
