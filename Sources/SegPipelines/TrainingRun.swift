import Foundation
import SegData
import SegFFNet
import SegFiles
import SegFormats
import SegImages
import SegKernels
import SegPretrained
import SegTraining

/// `segkernels train`: a recipe carried out in a folder.
public struct TrainingRun {
  /// What a finished run knows.
  public struct Outcome: Sendable, Codable {
    /// Where everything is.
    public let folder: String
    /// Steps done.
    public let steps: Int
    /// Training alone, scores and pictures left out.
    public let seconds: Double
    /// The scores on the validation split, if the recipe names one.
    public let validation: Evaluation?
  }

  private let recipe: Recipe
  private let folder: URL
  private let trainer: Trainer
  private let source: DataSource
  /// Notes on weights that were loaded to start from.
  public let notes: [String]

  /// - Parameter resume: go on from the folder's last checkpoint.
  /// - Throws: `UsageError` for a recipe that cannot be run, `FileError` for data, weights or folders.
  public init(_ recipe: Recipe, folder: URL, resume: Bool) throws {
    guard recipe.problems.isEmpty else {
      throw UsageError("recipe \(recipe.name): " + recipe.problems.joined(separator: "; "))
    }
    self.recipe = recipe
    self.folder = folder
    source = try DataSource(kind: recipe.data.kind, root: recipe.data.root)
    let dataset = try source.dataset(split: recipe.data.split)
    guard dataset.count >= recipe.batch else {
      throw UsageError(
        "recipe \(recipe.name): a batch of \(recipe.batch) needs as many samples, \(recipe.data.kind) has \(dataset.count)"
      )
    }
    let model = try ModelRegistry.build(ModelName(recipe.model), classes: dataset.classes.count, seed: recipe.seed)
    guard model.output == .segmentation else {
      throw UsageError("model '\(model.name)' classifies whole images; expected one that segments")
    }
    notes = recipe.weights.isEmpty ? [] : try TrainingRun.start(model, from: recipe.weights)
    let crop = Pair(height: recipe.augment.crop[0], width: recipe.augment.crop[1])
    let loader = BatchLoader(
      dataset, batchSize: recipe.batch,
      augmentation: recipe.augmentation, seed: recipe.seed)
    let task = SegmentationTask(
      model.network, ignoreIndex: dataset.classes.ignoreIndex.map(Int.init),
      classWeights: try recipe.loss.classWeights.weights(for: dataset), weightedShare: recipe.loss.weightedShare,
      labelSmoothing: recipe.loss.labelSmoothing)
    let card = ModelCard(
      model: model.name.rawValue, classes: dataset.classes, normalization: loader.normalization, size: crop,
      recipe: recipe.hash, terms: source.terms)
    trainer = try Trainer(task, recipe: recipe, loader: loader, folder: folder, card: card, resume: resume)
  }

  /// Trains, then scores the validation split and writes a sheet of samples (`samples.png`: photograph, truth,
  /// prediction) and `results.json`.
  public func run(_ report: (Trainer.Progress) -> Void) throws -> Outcome {
    let clock = ContinuousClock()
    let elapsed = try clock.measure { try trainer.run(report) }
    var validation: Evaluation?
    if !recipe.data.validation.isEmpty {
      let segmenter = try Segmenter(weights: .file(folder.appendingPathComponent("weights.safetensors")))
      validation = try Evaluation(segmenter, on: source, split: recipe.data.validation)
      try writeSamples(segmenter)
    }
    let outcome = Outcome(
      folder: folder.relativePath, steps: recipe.steps,
      seconds: elapsed.seconds,
      validation: validation)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    let json = try encoder.encode(outcome)
    try writeAtomically(to: folder.appendingPathComponent("results.json").relativePath, overwrite: true) {
      try $0.write([UInt8](json))
    }
    return outcome
  }

  /// Six samples spread over the validation split.
  private func writeSamples(_ segmenter: Segmenter) throws {
    let dataset = try source.dataset(split: recipe.data.validation)
    let count = min(6, dataset.count)
    let pictures = try (0..<count).flatMap { index -> [Image] in
      let sample = try dataset.sample(at: index * dataset.count / count)
      let labels = segmenter(sample.image).labels
      let palette = dataset.classes.palette
      return [sample.image, Image(sample.labels, palette: palette), Image(labels, palette: palette)]
    }
    try contactSheet(pictures, columns: 3).writePNG(to: folder.appendingPathComponent("samples.png"), overwrite: true)
  }

  /// Loads weights to start from: the backbone alone from a classifier or a bare backbone, everything that fits from a
  /// segmentation model. Returns what differed.
  private static func start(_ model: RegisteredModel, from weights: String) throws -> [String] {
    let archive: WeightArchive
    switch Weights(weights) {
    case .bundled(let bundled): archive = try bundled.archive()
    case .file(let url): archive = try readWeights(at: url).withoutDataParallelPrefix()
    case .fresh: return []
    }
    do {
      guard let network = model.network as? FFNet else { return try model.network.load(archive.tensors).differences }
      let isBackbone = !archive.entries.contains { $0.name.hasPrefix("head.layers.3.") }
      return try network.load(published: archive.tensors, isBackbone ? .backboneOnly : .fineTuning).differences
    } catch let error as LoadError {
      throw FileError(path: weights, problem: "\(error) (model \(model.name))")
    }
  }
}
