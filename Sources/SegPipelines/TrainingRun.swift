import Foundation
import SegData
import SegDistributed
import SegFFNet
import SegFiles
import SegFormats
import SegHS3
import SegIFA
import SegImages
import SegInverseForm
import SegKernels
import SegMetrics
import SegPISR
import SegPerceptualConsistency
import SegPretrained
import SegTraining
import SegXDistill

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
    /// The errors of a network that tells depth.
    public let depth: DepthScores?
  }

  /// What is known of a run before there is a network.
  private struct Parts {
    let recipe: Recipe
    let folder: URL
    let source: DataSource
    let dataset: any SegmentationDataset
    let loss: SegmentationLoss
    let group: (any ProcessGroup)?

    /// Whether a first phase must find what the network's heads tell apart.
    var findsClusters: Bool { recipe.supervision.kind == .hierarchical && recipe.supervision.clusters.isEmpty }

    func card(_ model: RegisteredModel) -> ModelCard {
      // With heads on its stages, a network is asked at its finest level's grid whatever the recipe says.
      let queries = recipe.supervision.kind == .none ? recipe.queries.kind : .grid
      return ModelCard(
        model: model.name.rawValue, classes: dataset.classes, normalization: .imageNet,
        size: Pair(height: recipe.augment.crop[0], width: recipe.augment.crop[1]), recipe: recipe.hash,
        terms: source.terms, queries: model.network is any ResolutionFree ? queries : nil)
    }
  }

  /// What is trained, before the run's folder is touched.
  private struct Subject {
    let model: LoadedModel
    let task: any TrainingTask
    let loader: BatchLoader
    let notes: [String]

    func trainer(_ parts: Parts, resume: Bool) throws -> Trainer {
      try Trainer(task, recipe: parts.recipe, loader: loader, folder: parts.folder, card: model.card, resume: resume)
    }
  }

  /// What comes first: a search for clusters, or the training itself.
  private enum Start {
    case search(HierarchySearch)
    case training(Trainer, LoadedModel)
  }

  private let parts: Parts
  private let start: Start
  private var recipe: Recipe { parts.recipe }
  private var folder: URL { parts.folder }
  private var source: DataSource { parts.source }
  private var group: (any ProcessGroup)? { parts.group }
  /// Notes on weights that were loaded to start from.
  public let notes: [String]

  /// A run of a recipe in a folder.
  ///
  /// - Parameters:
  ///   - recipe: what is trained, on what, and how.
  ///   - folder: where the run writes.
  ///   - resume: go on from the folder's last checkpoint.
  ///   - group: the processes that carry out the run together; all make it from the same recipe and folder.
  /// - Throws: `UsageError` for a recipe that cannot be run, `FileError` for data, weights or folders.
  public init(_ recipe: Recipe, folder: URL, resume: Bool, group: (any ProcessGroup)? = nil) throws {
    let prepare = {
      let parts = try TrainingRun.parts(recipe, folder, group)
      return (parts, parts.findsClusters ? nil : try TrainingRun.subject(parts, nil))
    }
    let (parts, subject) = try group.map { try $0.firstInOne(prepare) } ?? prepare()
    self.parts = parts
    if let subject {
      start = .training(try subject.trainer(parts, resume: resume), subject.model)
      notes = subject.notes
    } else {
      let made = try TrainingRun.search(parts, resume: resume)
      start = .search(made.search)
      notes = made.notes
    }
  }

  private static func parts(_ recipe: Recipe, _ folder: URL, _ group: (any ProcessGroup)?) throws -> Parts {
    guard recipe.problems.isEmpty else {
      throw UsageError("recipe \(recipe.name): " + recipe.problems.joined(separator: "; "))
    }
    guard recipe.batch % (group?.size ?? 1) == 0 else {
      throw UsageError(
        "recipe \(recipe.name): batch: expected a multiple of the \(group?.size ?? 1) processes, found \(recipe.batch)")
    }
    guard group == nil || recipe.supervision.kind == .none else {
      throw UsageError("recipe \(recipe.name): supervision of stages runs in one process alone")
    }
    let source = try DataSource(kind: recipe.data.kind, root: recipe.data.root)
    let isPanoptic = try ModelRegistry.isPanoptic(ModelName(recipe.model))
    guard recipe.loss.depth == 0 || (MultiTaskNetwork.base(of: recipe.model) != nil && source.hasDepth) else {
      throw UsageError(
        "recipe \(recipe.name): loss.depth: expected a model that tells depth beside classes "
          + "(\(MultiTaskNetwork.names.joined(separator: ", "))) and data with depth (streets, nyud), found "
          + "'\(recipe.model)' and '\(source.kind)'")
    }
    let dataset =
      try DepthTraining.clips(recipe, source)
      ?? source.dataset(split: recipe.data.split, keepsInstances: isPanoptic, keepsDepth: recipe.loss.depth > 0)
    guard !isPanoptic || dataset.categories != nil else {
      throw UsageError(
        "recipe \(recipe.name): '\(recipe.model)' finds things, which \(recipe.data.kind) does not tell apart")
    }
    guard recipe.loss.classWeights != .list || recipe.loss.classWeightList.count == dataset.classes.count else {
      throw UsageError(
        "recipe \(recipe.name): loss.classWeightList: expected \(dataset.classes.count) weights, found "
          + "\(recipe.loss.classWeightList.count)")
    }
    let loss = SegmentationLoss(
      recipe.loss, classWeights: try recipe.loss.classWeights.weights(for: dataset), group: group)
    let parts = Parts(recipe: recipe, folder: folder, source: source, dataset: dataset, loss: loss, group: group)
    let heldOut = recipe.supervision.heldOut
    let samples =
      parts.findsClusters ? HierarchySearch.split(dataset, heldOut: heldOut).train.count : dataset.count
    guard samples >= recipe.batch else {
      throw UsageError(
        "recipe \(recipe.name): a batch of \(recipe.batch) needs as many samples, \(recipe.data.kind) has \(samples)"
          + (parts.findsClusters ? " that are not held out" : ""))
    }
    return parts
  }

  /// The first phase of a run whose clusters nobody has named, in a folder from which it can be resumed.
  private static func search(_ parts: Parts, resume: Bool) throws -> (search: HierarchySearch, notes: [String]) {
    let recipe = parts.recipe, folder = parts.folder
    let recipeFile = folder.appendingPathComponent("recipe.json")
    guard resume || !(HierarchySearch.hasBegun(in: folder) || Trainer.canResume(folder)) else {
      throw FileError(
        path: folder.relativePath, kind: .unwritable, problem: "holds a run already; resume it, or name another folder")
    }
    guard !resume || FileManager.default.fileExists(atPath: recipeFile.path) else {
      throw FileError(path: folder.relativePath, kind: .missing, problem: "expected a run, found none")
    }
    let (model, network) = try SupervisedTraining(recipe: recipe, classes: parts.dataset.classes).stagedNetwork()
    let notes = recipe.weights.isEmpty ? [] : try TrainingRun.load(into: model, from: recipe.weights)
    if !resume {
      try folder.makeFolder()
      let text = Array(recipe.json.utf8)
      try writeAtomically(to: recipeFile.relativePath, overwrite: true) { try $0.write(text) }
    }
    let search = HierarchySearch(
      network, recipe: recipe, dataset: parts.dataset, loss: parts.loss, card: parts.card(model), folder: folder)
    return (search, notes)
  }

  /// - Parameter found: clusters of a first phase.
  private static func subject(_ parts: Parts, _ found: StageHierarchy?) throws -> Subject {
    let recipe = parts.recipe, classes = parts.dataset.classes
    if let clips = parts.dataset as? DepthClips {
      let depth = try DepthTraining(recipe, clips, terms: parts.source.terms)
      return Subject(model: depth.model, task: depth.task, loader: depth.loader, notes: [])
    }
    let model: RegisteredModel, supervised: (any TrainingTask)?
    if recipe.supervision.kind == .none {
      model = try ModelRegistry.build(ModelName(recipe.model), classes: classes.count, seed: recipe.seed)
      supervised = nil
    } else {
      let named = recipe.supervision.clusters
      let path = named.isEmpty ? StageHierarchy.file(in: parts.folder).relativePath : named
      let hierarchy = try found ?? (named.isEmpty ? nil : StageHierarchy(contentsOf: URL(fileURLWithPath: path)))
      let made = try SupervisedTraining(recipe: recipe, classes: classes).task(
        hierarchy.map { (hierarchy: $0, path: path) }, parts.loss)
      model = made.model
      supervised = made.task
    }
    guard model.output == .segmentation else {
      throw UsageError("model '\(model.name)' classifies whole images; expected one that segments")
    }
    let notes = recipe.weights.isEmpty ? [] : try TrainingRun.load(into: model, from: recipe.weights)
    let loader = BatchLoader(
      parts.dataset, batchSize: recipe.batch, augmentation: recipe.augmentation, seed: recipe.seed, group: parts.group)
    let task =
      try supervised
      ?? TrainingRun.task(
        recipe, model, ignoreIndex: classes.ignoreIndex.map(Int.init), parts.loss,
        streets: parts.source.streets(
          split: recipe.data.split, size: Pair(height: recipe.augment.crop[0], width: recipe.augment.crop[1])))
    guard parts.group == nil || task.group != nil else {
      throw UsageError("recipe \(recipe.name): this kind of training runs in one process alone")
    }
    let loaded = LoadedModel(model: model, card: parts.card(model), report: LoadReport())
    return Subject(model: loaded, task: task, loader: loader, notes: notes)
  }

  /// The task of the model: plain segmentation, with boundaries beside it where the recipe asks for them; networks that
  /// can be asked anywhere are asked where the recipe's queries say. Clips for the consistency of frames are of `streets`.
  private static func task(
    _ recipe: Recipe, _ model: RegisteredModel, ignoreIndex: Int?, _ loss: SegmentationLoss, streets: StreetScenes?
  ) throws -> any TrainingTask {
    if let network = model.panoptic {
      guard recipe.loss.judgesLogitsAlone else {
        throw UsageError(
          "recipe \(recipe.name): expected loss.boundary, loss.inverseForm, loss.depth and loss.consistency to be 0 for "
            + "'\(model.name)', which finds things")
      }
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
    guard recipe.loss.needsBoundary || recipe.loss.depth > 0 else {
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
    let joint = try JointLoss(recipe.loss, segmentation: loss) { try AntisymmetricInverseNetwork.bundled() }
    return InverseFormTask(branched, ignoreIndex: ignoreIndex, loss: joint)
  }

  /// Trains, scoring the validation split as often as the recipe asks for and at the end, and writes a sheet of samples
  /// (`samples.png`: photograph, truth, prediction) and `results.json`. Of several processes the first one scores and
  /// writes; what the others return lacks the scores.
  ///
  /// A recipe whose heads tell clusters apart that nobody has named finds them first.
  ///
  /// - Parameters:
  ///   - searching: called with the phase of that search, and how much of it is done, of how much.
  ///   - report: called after every step of the training itself.
  public func run(
    searching: (String, Int, Int) -> Void = { _, _, _ in }, _ report: (Trainer.Progress) -> Void
  ) throws -> Outcome {
    var seconds = 0.0, validation: Evaluation?, panoptic: PanopticEvaluation?, depth: DepthScores?
    let trainer: Trainer, model: LoadedModel
    switch start {
    case .training(let made, let itsModel): (trainer, model) = (made, itsModel)
    case .search(let search):
      let subject = try TrainingRun.subject(parts, search.run(searching))
      (trainer, model) = (try subject.trainer(parts, resume: Trainer.canResume(folder)), subject.model)
    }
    var checks = Trainer.Checks()
    if !recipe.data.validation.isEmpty {
      checks.score = {
        if model.model.output == .depth {
          let scores = try DepthTraining.scores(model, recipe, source)
          depth = scores
          return ValidationScore(name: "delta1", value: scores.mean?.delta1 ?? 0)
        }
        if model.model.panoptic != nil {
          let evaluation = try PanopticEvaluation(PanopticSegmenter(model), on: source, split: recipe.data.validation)
          panoptic = evaluation
          return ValidationScore(name: "PQ", value: evaluation.scores.all.pq ?? 0)
        }
        if model.model.multiTask != nil {
          let evaluation = try MultiTaskEvaluation(
            model, on: source, split: recipe.data.validation, rules: .uncropped(scalesByMedian: false))
          (validation, depth) = (evaluation.segmentation, evaluation.depth)
          return ValidationScore(name: "meanIoU", value: evaluation.segmentation.meanIoU)
        }
        let evaluation = try Evaluation(Segmenter(model), on: source, split: recipe.data.validation)
        validation = evaluation
        return ValidationScore(name: "meanIoU", value: evaluation.meanIoU)
      }
      checks.samples = { try samples(model, count: 3).map { contactSheet($0, columns: 3) } }
    }
    try trainer.run(checks: checks) {
      seconds = $0.seconds
      report($0)
    }
    let outcome = Outcome(
      folder: folder.relativePath, steps: recipe.steps, seconds: seconds, validation: validation, panoptic: panoptic,
      depth: depth)
    guard group?.isFirst ?? true else { return outcome }
    if !recipe.data.validation.isEmpty {
      try contactSheet(samples(model, count: 6).flatMap { $0 }, columns: 3)
        .writePNG(to: folder.appendingPathComponent("samples.png"), overwrite: true)
    }
    try writeJSON(outcome, to: folder.appendingPathComponent("results.json"))
    return outcome
  }

  /// Samples spread over the validation split: photograph, truth and the network's prediction laid over it.
  private func samples(_ model: LoadedModel, count: Int) throws -> [[Image]] {
    if model.model.panoptic != nil { return try panopticSamples(model, count: count) }
    if model.model.output == .depth { return try DepthTraining.samples(model, recipe, source, count: count) }
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
  private func panopticSamples(_ model: LoadedModel, count: Int) throws -> [[Image]] {
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
  private static func load(into model: RegisteredModel, from weights: String) throws -> [String] {
    let archive: WeightArchive
    switch Weights(weights) {
    case .bundled(let bundled): archive = try bundled.archive()
    case .file(let url): archive = try readWeights(at: url).withoutDataParallelPrefix()
    case .fresh: return []
    }
    do {
      if let network = model.panoptic { return try network.start(from: archive.tensors) }
      if let network = model.network as? IFANetwork { return try network.start(from: archive.tensors) }
      let whole: any UnaryModule =
        (model.network as? HS3Fuse)?.base ?? model.multiTask?.base ?? model.network
      guard let network = whole as? FFNet else { return try whole.load(archive.tensors).differences }
      let isBackbone = !archive.entries.contains { $0.name.hasPrefix("head.layers.3.") }
      return try network.load(published: archive.tensors, isBackbone ? .backboneOnly : .fineTuning).differences
    } catch let error as LoadError {
      throw FileError(path: weights, problem: "\(error) (model \(model.name))")
    }
  }
}
