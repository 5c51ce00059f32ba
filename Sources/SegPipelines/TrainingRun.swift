import Foundation
import SegData
import SegDistributed
import SegFFNet
import SegFiles
import SegFormats
import SegIFA
import SegImages
import SegInverseForm
import SegKernels
import SegMetrics
import SegPISR
import SegPerceptualConsistency
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
    /// The same of a network that finds things.
    public let panoptic: PanopticEvaluation?
  }

  private let recipe: Recipe
  private let folder: URL
  private let trainer: Trainer
  private let source: DataSource
  private let model: LoadedModel
  private let group: (any ProcessGroup)?
  /// Notes on weights that were loaded to start from.
  public let notes: [String]

  /// What a run is made of, before its folder is touched.
  private typealias Parts = (
    source: DataSource, loader: BatchLoader, task: any TrainingTask, model: LoadedModel, notes: [String]
  )

  /// - Parameters:
  ///   - resume: go on from the folder's last checkpoint.
  ///   - group: the processes that carry out the run together; all make it from the same recipe and folder.
  /// - Throws: `UsageError` for a recipe that cannot be run, `FileError` for data, weights or folders.
  public init(_ recipe: Recipe, folder: URL, resume: Bool, group: (any ProcessGroup)? = nil) throws {
    self.recipe = recipe
    self.folder = folder
    self.group = group
    let prepare = { try TrainingRun.parts(recipe, group) }
    let parts = try group.map { try $0.firstInOne(prepare) } ?? prepare()
    (source, model, notes) = (parts.source, parts.model, parts.notes)
    trainer = try Trainer(
      parts.task, recipe: recipe, loader: parts.loader, folder: folder, card: parts.model.card, resume: resume)
  }

  private static func parts(_ recipe: Recipe, _ group: (any ProcessGroup)?) throws -> Parts {
    guard recipe.problems.isEmpty else {
      throw UsageError("recipe \(recipe.name): " + recipe.problems.joined(separator: "; "))
    }
    guard recipe.batch % (group?.size ?? 1) == 0 else {
      throw UsageError(
        "recipe \(recipe.name): batch: expected a multiple of the \(group?.size ?? 1) processes, found \(recipe.batch)")
    }
    let source = try DataSource(kind: recipe.data.kind, root: recipe.data.root)
    let isPanoptic = try ModelRegistry.isPanoptic(ModelName(recipe.model))
    let dataset = try source.dataset(split: recipe.data.split, keepsInstances: isPanoptic)
    guard !isPanoptic || dataset.categories != nil else {
      throw UsageError(
        "recipe \(recipe.name): '\(recipe.model)' finds things, which \(recipe.data.kind) does not tell apart")
    }
    guard dataset.count >= recipe.batch else {
      throw UsageError(
        "recipe \(recipe.name): a batch of \(recipe.batch) needs as many samples, \(recipe.data.kind) has \(dataset.count)"
      )
    }
    let model = try ModelRegistry.build(ModelName(recipe.model), classes: dataset.classes.count, seed: recipe.seed)
    guard model.output == .segmentation else {
      throw UsageError("model '\(model.name)' classifies whole images; expected one that segments")
    }
    let notes = recipe.weights.isEmpty ? [] : try TrainingRun.start(model, from: recipe.weights)
    let crop = Pair(height: recipe.augment.crop[0], width: recipe.augment.crop[1])
    let loader = BatchLoader(
      dataset, batchSize: recipe.batch,
      augmentation: recipe.augmentation, seed: recipe.seed, group: group)
    guard recipe.loss.classWeights != .list || recipe.loss.classWeightList.count == dataset.classes.count else {
      throw UsageError(
        "recipe \(recipe.name): loss.classWeightList: expected \(dataset.classes.count) weights, found "
          + "\(recipe.loss.classWeightList.count)")
    }
    let loss = SegmentationLoss(
      recipe.loss, classWeights: try recipe.loss.classWeights.weights(for: dataset), group: group)
    let task = try TrainingRun.task(
      recipe, model, ignoreIndex: dataset.classes.ignoreIndex.map(Int.init), loss,
      streets: source.streets(split: recipe.data.split, size: crop))
    let card = ModelCard(
      model: model.name.rawValue, classes: dataset.classes, normalization: loader.normalization, size: crop,
      recipe: recipe.hash, terms: source.terms)
    guard group == nil || task.group != nil else {
      throw UsageError("recipe \(recipe.name): this kind of training runs in one process alone")
    }
    return (source, loader, task, LoadedModel(model: model, card: card, report: LoadReport()), notes)
  }

  /// The task of the model: plain segmentation, with boundaries beside it where the recipe asks for them; networks that
  /// can be asked anywhere are asked where the recipe's queries say. Clips for the consistency of frames are of `streets`.
  private static func task(
    _ recipe: Recipe, _ model: RegisteredModel, ignoreIndex: Int?, _ loss: SegmentationLoss, streets: StreetScenes?
  ) throws -> any TrainingTask {
    if let network = model.panoptic {
      return PanopticTask(network, ignoreIndex: ignoreIndex, settings: recipe.panoptic)
    }
    if recipe.loss.consistency > 0 {
      guard let streets, !(model.network is IFANetwork) else {
        throw UsageError(
          "recipe \(recipe.name): loss.consistency: expected data of kind streets, whose clips give pairs of frames, "
            + "and a network with logits of its own")
      }
      let pairs = FramePairs(of: streets, recipe.pairs, features: try .bundled(), seed: recipe.seed)
      return ConsistencyTask(
        model.network, ignoreIndex: ignoreIndex, loss: loss, pairs: pairs, weight: recipe.loss.consistency,
        seed: recipe.seed)
    }
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
  /// (`samples.png`: photograph, truth, prediction) and `results.json`. Of several processes the first one scores and
  /// writes; what the others return lacks the scores.
  public func run(_ report: (Trainer.Progress) -> Void) throws -> Outcome {
    var seconds = 0.0, validation: Evaluation?, panoptic: PanopticEvaluation?
    var checks = Trainer.Checks()
    if !recipe.data.validation.isEmpty {
      checks.score = {
        if model.model.panoptic != nil {
          let evaluation = try PanopticEvaluation(PanopticSegmenter(model), on: source, split: recipe.data.validation)
          panoptic = evaluation
          return ValidationScore(name: "PQ", value: evaluation.scores.all.pq ?? 0)
        }
        let evaluation = try Evaluation(Segmenter(model), on: source, split: recipe.data.validation)
        validation = evaluation
        return ValidationScore(name: "meanIoU", value: evaluation.meanIoU)
      }
      checks.samples = { try samples(count: 3).map { contactSheet($0, columns: 3) } }
    }
    try trainer.run(checks: checks) {
      seconds = $0.seconds
      report($0)
    }
    let outcome = Outcome(
      folder: folder.relativePath, steps: recipe.steps, seconds: seconds, validation: validation, panoptic: panoptic)
    guard group?.isFirst ?? true else { return outcome }
    if !recipe.data.validation.isEmpty {
      try contactSheet(samples(count: 6).flatMap { $0 }, columns: 3)
        .writePNG(to: folder.appendingPathComponent("samples.png"), overwrite: true)
    }
    try writeJSON(outcome, to: folder.appendingPathComponent("results.json"))
    return outcome
  }

  /// Samples spread over the validation split: photograph, truth and the network's prediction laid over it.
  private func samples(count: Int) throws -> [[Image]] {
    if model.model.panoptic != nil { return try panopticSamples(count: count) }
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

  /// The same of a network that finds things, which are outlined.
  private func panopticSamples(count: Int) throws -> [[Image]] {
    let dataset = try source.dataset(split: recipe.data.validation, keepsInstances: true)
    let segmenter = try PanopticSegmenter(model), count = min(count, dataset.count)
    return try (0..<count).map { index in
      let sample = try dataset.sample(at: index * dataset.count / count)
      func laid(_ found: PanopticLabels) -> Image {
        panopticOverlay(
          image: sample.image, labels: found.labels, instances: found.instances, palette: dataset.classes.palette)
      }
      let truth = PanopticLabels(
        labels: sample.labels, instances: sample.instances ?? Labels(sample.labels.shape, filledWith: 0))
      return [sample.image, laid(truth), laid(segmenter(sample.image))]
    }
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
      if let network = model.panoptic { return try network.start(from: archive.tensors) }
      if let network = model.network as? IFANetwork { return try network.start(from: archive.tensors) }
      guard let network = model.network as? FFNet else { return try model.network.load(archive.tensors).differences }
      let isBackbone = !archive.entries.contains { $0.name.hasPrefix("head.layers.3.") }
      return try network.load(published: archive.tensors, isBackbone ? .backboneOnly : .fineTuning).differences
    } catch let error as LoadError {
      throw FileError(path: weights, problem: "\(error) (model \(model.name))")
    }
  }
}
