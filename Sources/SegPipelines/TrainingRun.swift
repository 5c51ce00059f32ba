import Foundation
import SegData
import SegFFNet
import SegFiles
import SegFormats
import SegHS3
import SegIFA
import SegImages
import SegInverseForm
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

  /// What a recipe becomes as soon as it is known which clusters its heads tell apart, if any.
  private struct Prepared {
    let trainer: Trainer
    let model: LoadedModel
  }

  /// What both phases of a run need.
  private struct Parts {
    let recipe: Recipe
    let folder: URL
    let source: DataSource
    let dataset: any SegmentationDataset
    let loss: SegmentationLoss

    func card(_ model: ModelName) -> ModelCard {
      ModelCard(
        model: model.rawValue, classes: dataset.classes, normalization: .imageNet,
        size: Pair(height: recipe.augment.crop[0], width: recipe.augment.crop[1]), recipe: recipe.hash,
        terms: source.terms)
    }
  }

  private let parts: Parts
  /// Nil as long as clusters must be found first.
  private let prepared: Prepared?
  private let search: HierarchySearch?
  private var recipe: Recipe { parts.recipe }
  private var folder: URL { parts.folder }
  private var source: DataSource { parts.source }
  /// Notes on weights that were loaded to start from.
  public let notes: [String]

  /// - Parameter resume: go on from the folder's last checkpoint.
  /// - Throws: `UsageError` for a recipe that cannot be run, `FileError` for data, weights or folders.
  public init(_ recipe: Recipe, folder: URL, resume: Bool) throws {
    guard recipe.problems.isEmpty else {
      throw UsageError("recipe \(recipe.name): " + recipe.problems.joined(separator: "; "))
    }
    let source = try DataSource(kind: recipe.data.kind, root: recipe.data.root)
    let dataset = try source.dataset(split: recipe.data.split)
    let finds = recipe.supervision.kind == .hierarchical && recipe.supervision.clusters.isEmpty
    let samples =
      finds ? HierarchySearch.split(dataset, heldOut: recipe.supervision.heldOut).train.count : dataset.count
    guard samples >= recipe.batch else {
      throw UsageError(
        "recipe \(recipe.name): a batch of \(recipe.batch) needs as many samples, \(recipe.data.kind) has \(samples)"
          + (finds ? " that are not held out" : ""))
    }
    guard recipe.loss.classWeights != .list || recipe.loss.classWeightList.count == dataset.classes.count else {
      throw UsageError(
        "recipe \(recipe.name): loss.classWeightList: expected \(dataset.classes.count) weights, found "
          + "\(recipe.loss.classWeightList.count)")
    }
    let loss = SegmentationLoss(recipe.loss, classWeights: try recipe.loss.classWeights.weights(for: dataset))
    let parts = Parts(recipe: recipe, folder: folder, source: source, dataset: dataset, loss: loss)
    self.parts = parts
    guard finds else {
      let made = try TrainingRun.prepare(parts, nil, resume: resume)
      prepared = made.0
      notes = made.notes
      search = nil
      return
    }
    let recipeFile = folder.appendingPathComponent("recipe.json")
    guard resume || !(HierarchySearch.hasBegun(in: folder) || Trainer.canResume(folder)) else {
      throw FileError(
        path: folder.relativePath, kind: .unwritable, problem: "holds a run already; resume it, or name another folder")
    }
    guard !resume || FileManager.default.fileExists(atPath: recipeFile.path) else {
      throw FileError(path: folder.relativePath, kind: .missing, problem: "expected a run, found none")
    }
    let (model, network) = try SupervisedTraining(recipe: recipe, classes: dataset.classes).stagedNetwork()
    notes = recipe.weights.isEmpty ? [] : try TrainingRun.start(model.network, model.name, from: recipe.weights)
    search = HierarchySearch(
      network, recipe: recipe, dataset: dataset, loss: loss, card: parts.card(model.name), folder: folder)
    prepared = nil
    guard !resume else { return }
    // By this a run is resumed that is broken off in its first phase.
    try folder.makeFolder()
    let text = Array(recipe.json.utf8)
    try writeAtomically(to: recipeFile.relativePath, overwrite: true) { try $0.write(text) }
  }

  /// Model, task and trainer; and what differed in weights that were loaded to start from.
  ///
  /// - Parameter found: clusters of a first phase.
  private static func prepare(
    _ parts: Parts, _ found: StageHierarchy?, resume: Bool
  ) throws -> (Prepared, notes: [String]) {
    let recipe = parts.recipe, classes = parts.dataset.classes, settings = recipe.supervision
    let model: RegisteredModel, supervised: (any TrainingTask)?
    if settings.kind == .none {
      model = try ModelRegistry.build(ModelName(recipe.model), classes: classes.count, seed: recipe.seed)
      supervised = nil
    } else {
      let path = settings.clusters.isEmpty ? StageHierarchy.file(in: parts.folder).relativePath : settings.clusters
      let hierarchy =
        try found ?? (settings.clusters.isEmpty ? nil : StageHierarchy(contentsOf: URL(fileURLWithPath: path)))
      let made = try SupervisedTraining(recipe: recipe, classes: classes).task(
        hierarchy.map { (hierarchy: $0, path: path) }, parts.loss)
      model = made.model
      supervised = made.task
    }
    guard model.output == .segmentation else {
      throw UsageError("model '\(model.name)' classifies whole images; expected one that segments")
    }
    let base: any UnaryModule = if let fuse = model.network as? HS3Fuse { fuse.base } else { model.network }
    let notes = recipe.weights.isEmpty ? [] : try start(base, model.name, from: recipe.weights)
    let loader = BatchLoader(
      parts.dataset, batchSize: recipe.batch, augmentation: recipe.augmentation, seed: recipe.seed)
    let task =
      try supervised ?? TrainingRun.task(recipe, model, ignoreIndex: classes.ignoreIndex.map(Int.init), parts.loss)
    let card = parts.card(model.name)
    let trainer = try Trainer(task, recipe: recipe, loader: loader, folder: parts.folder, card: card, resume: resume)
    return (Prepared(trainer: trainer, model: LoadedModel(model: model, card: card, report: LoadReport())), notes)
  }

  /// The task of the model: plain segmentation, with boundaries beside it where the recipe asks for them; networks that
  /// can be asked anywhere are asked where the recipe's queries say.
  private static func task(
    _ recipe: Recipe, _ model: RegisteredModel, ignoreIndex: Int?, _ loss: SegmentationLoss
  ) throws -> any TrainingTask {
    guard recipe.loss.boundary > 0 || recipe.loss.inverseForm > 0 else {
      if let network = model.network as? IFANetwork {
        return IFATask(network, ignoreIndex: ignoreIndex, loss: loss, queries: recipe.queries, seed: recipe.seed)
      }
      return SegmentationTask(model.network, ignoreIndex: ignoreIndex, loss: loss)
    }
    let branched =
      model.network as? any BoundarySupervised
      ?? (model.network as? any FeatureSegmenter).map { BoundaryBranch($0, seed: recipe.seed) }
    guard let branched else {
      throw UsageError("model '\(model.name)' shows no features that a boundary branch can use")
    }
    let inverse = try recipe.loss.inverseForm > 0 ? InverseFormLoss(AntisymmetricInverseNetwork.bundled()) : nil
    var joint = JointLoss(segmentation: loss, inverse: inverse)
    (joint.boundary, joint.inverseForm) = (recipe.loss.boundary, recipe.loss.inverseForm)
    return InverseFormTask(branched, ignoreIndex: ignoreIndex, loss: joint)
  }

  /// Trains, scoring the validation split as often as the recipe asks for and at the end, and writes a sheet of samples
  /// (`samples.png`: photograph, truth, prediction) and `results.json`.
  ///
  /// A recipe whose heads tell clusters apart that nobody has named finds them first.
  ///
  /// - Parameters:
  ///   - search: called with the phase of that search, and how much of it is done, of how much.
  ///   - report: called after every step of the training itself.
  public func run(
    search progress: (String, Int, Int) -> Void = { _, _, _ in }, _ report: (Trainer.Progress) -> Void
  ) throws -> Outcome {
    var seconds = 0.0, validation: Evaluation?
    let prepared =
      try self.prepared
      ?? TrainingRun.prepare(parts, search?.run(progress), resume: Trainer.canResume(folder)).0
    var checks = Trainer.Checks()
    if !recipe.data.validation.isEmpty {
      checks.score = {
        let evaluation = try Evaluation(Segmenter(prepared.model), on: source, split: recipe.data.validation)
        validation = evaluation
        return ValidationScore(name: "meanIoU", value: evaluation.meanIoU)
      }
      checks.samples = { try samples(prepared.model, count: 3).map { contactSheet($0, columns: 3) } }
    }
    try prepared.trainer.run(checks: checks) {
      seconds = $0.seconds
      report($0)
    }
    if !recipe.data.validation.isEmpty {
      try contactSheet(samples(prepared.model, count: 6).flatMap { $0 }, columns: 3)
        .writePNG(to: folder.appendingPathComponent("samples.png"), overwrite: true)
    }
    let outcome = Outcome(
      folder: folder.relativePath, steps: recipe.steps, seconds: seconds, validation: validation)
    try writeJSON(outcome, to: folder.appendingPathComponent("results.json"))
    return outcome
  }

  /// Samples spread over the validation split: photograph, truth and the network's prediction laid over it.
  private func samples(_ model: LoadedModel, count: Int) throws -> [[Image]] {
    let dataset = try source.dataset(split: recipe.data.validation), segmenter = try Segmenter(model)
    let count = min(count, dataset.count), palette = dataset.classes.palette
    return try (0..<count).map { index in
      let sample = try dataset.sample(at: index * dataset.count / count)
      return [
        sample.image, overlay(image: sample.image, labels: sample.labels, palette: palette, opacity: 0.7),
        overlay(image: sample.image, labels: segmenter(sample.image).labels, palette: palette, opacity: 0.7),
      ]
    }
  }

  /// Loads weights to start from: the backbone alone from a classifier or a bare backbone, everything that fits from a
  /// segmentation model. Returns what differed.
  private static func start(
    _ network: any UnaryModule, _ name: ModelName, from weights: String
  ) throws -> [String] {
    let archive: WeightArchive
    switch Weights(weights) {
    case .bundled(let bundled): archive = try bundled.archive()
    case .file(let url): archive = try readWeights(at: url).withoutDataParallelPrefix()
    case .fresh: return []
    }
    do {
      guard let network = network as? FFNet else { return try network.load(archive.tensors).differences }
      let isBackbone = !archive.entries.contains { $0.name.hasPrefix("head.layers.3.") }
      return try network.load(published: archive.tensors, isBackbone ? .backboneOnly : .fineTuning).differences
    } catch let error as LoadError {
      throw FileError(path: weights, problem: "\(error) (model \(name))")
    }
  }
}
