import Foundation
import SegData
import SegFiles
import SegImages
import SegKernels
import SegMetrics
import SegTraining

/// The first phase of HS3: a network under deep supervision learns from most of the training data; what its stages
/// mistake for what is counted on the rest; from that come clusters and their numbers.
///
/// In the run's folder: `deep-supervision/`, a training run of its own, and at the end `hierarchy.svg` and
/// `hierarchy.json`. Broken off anywhere, it goes on where it stood, and finds what it would have found.
public struct HierarchySearch {
  private let network: any StagedSegmenter
  private let recipe: Recipe
  private let dataset: any SegmentationDataset
  private let loss: SegmentationLoss
  private let card: ModelCard
  private let folder: URL

  /// The first phase of a run.
  ///
  /// - Parameters:
  ///   - network: freshly made; it is trained, and of no use afterwards.
  ///   - recipe: of the run that the clusters are for.
  ///   - dataset: what that run learns from.
  ///   - loss: of the last layer.
  ///   - card: what the weights of the first phase say about themselves.
  ///   - folder: the run's.
  public init(
    _ network: any StagedSegmenter, recipe: Recipe, dataset: any SegmentationDataset, loss: SegmentationLoss,
    card: ModelCard, folder: URL
  ) {
    self.network = network
    self.recipe = HierarchySearch.firstPhase(of: recipe)
    self.dataset = dataset
    self.loss = loss
    self.card = card
    self.folder = folder
  }

  /// The recipe of the first phase: deep supervision, its own number of steps, no scores on the way.
  public static func firstPhase(of recipe: Recipe) -> Recipe {
    var first = recipe
    first.supervision.kind = .deep
    first.supervision.clusters = ""
    first.steps = recipe.supervision.firstSteps > 0 ? recipe.supervision.firstSteps : recipe.steps
    return first
  }

  /// Whether a folder holds anything of a search.
  public static func hasBegun(in folder: URL) -> Bool {
    Trainer.canResume(trainingFolder(in: folder))
      || FileManager.default.fileExists(atPath: StageHierarchy.file(in: folder).path)
  }

  private static func trainingFolder(in folder: URL) -> URL { folder.appendingPathComponent("deep-supervision") }

  /// The training samples but for the last, and the last: at least one.
  public static func split(
    _ dataset: any SegmentationDataset, heldOut: Float
  ) -> (train: any SegmentationDataset, heldOut: any SegmentationDataset) {
    let count = min(max(1, Int(Float(dataset.count) * heldOut)), dataset.count)
    let last = Set(((dataset.count - count)..<dataset.count).map(dataset.name(at:)))
    return (DatasetSelection(dataset) { !last.contains($0) }, DatasetSelection(dataset, where: last.contains))
  }

  /// The clusters, found now or before.
  ///
  /// - Parameters:
  ///   - images: look at no more held-out images than this.
  ///   - report: called with what is done, and how much of it, of how much.
  /// - Throws: ``StageError``, `FileError`, `TrainingError`, and what reading the data throws.
  public func run(
    images: Int = .max, _ report: (_ phase: String, _ done: Int, _ of: Int) -> Void
  ) throws -> StageHierarchy {
    let file = StageHierarchy.file(in: folder)
    if FileManager.default.fileExists(atPath: file.path) {
      let known = try StageHierarchy(contentsOf: file)
      guard known.recipe == recipe.hash else {
        throw FileError(path: file.relativePath, problem: "was made by another recipe; nothing was changed")
      }
      return known
    }
    let classes = dataset.classes, settings = recipe.supervision
    let (train, heldOut) = HierarchySearch.split(dataset, heldOut: settings.heldOut)
    guard train.count >= recipe.batch else {
      throw FileError(
        path: folder.relativePath,
        problem: "a batch of \(recipe.batch) needs as many samples, found \(train.count) that are not held out")
    }
    let supervised = try StageSupervision(
      network, stages: settings.stages, clusters: { [Int](repeating: classes.count, count: $0) }, seed: recipe.seed)
    let task = HS3Task(
      supervised, clusters: supervised.stageNames.map { _ in .separate(classes.count) },
      ignoreIndex: classes.ignoreIndex.map(Int.init), loss: loss, settings: settings)
    let loader = BatchLoader(
      train, batchSize: recipe.batch, augmentation: recipe.augmentation, normalization: card.normalization,
      seed: recipe.seed)
    let training = HierarchySearch.trainingFolder(in: folder)
    let trainer = try Trainer(
      task, recipe: recipe, loader: loader, folder: training, card: card, resume: Trainer.canResume(training))
    try trainer.run { report("deep supervision", $0.step, $0.steps) }

    let confusions = try stageConfusions(
      supervised, on: heldOut, images: images, normalization: card.normalization
    ) { report("counting", $0, $1) }
    guard !confusions.last!.present.isEmpty else {
      throw FileError(
        path: folder.relativePath,
        problem: "expected labelled pixels in the \(min(images, heldOut.count)) images held out, found none")
    }
    let hierarchy = hierarchy(supervised.stageNames, confusions, images: min(images, heldOut.count))
    let names = StageHierarchy.distinct(classes.names)
    let trees = confusions.dropLast().map { ClassCuts($0, .nested) }
    try HierarchyPicture(hierarchy, trees: trees, classes: names).write(
      to: folder.appendingPathComponent("hierarchy.svg"))
    try writeJSON(hierarchy, to: file)
    return hierarchy
  }

  /// The clusters of confusion matrices, the last of which is that of the network's own logits.
  private func hierarchy(_ stages: [String], _ confusions: [ClassConfusion], images: Int) -> StageHierarchy {
    let settings = recipe.supervision, final = confusions.last!.meanIoU
    var hierarchy = StageHierarchy(
      stages: zip(stages, confusions).map { stage, confusion in
        let cuts = ClassCuts(confusion, settings.cuts, seed: recipe.seed)
        let count = clusterCount(curve: cuts.curve, final: final, axis: settings.axis)
        return StageHierarchy.Stage(
          stage: stage, clusters: StageHierarchy.names(of: cuts(count), classes: dataset.classes.names),
          curve: cuts.curve)
      })
    hierarchy.finalMeanIoU = final
    hierarchy.axis = settings.axis
    hierarchy.cuts = settings.cuts
    hierarchy.images = images
    hierarchy.recipe = recipe.hash
    return hierarchy
  }
}

/// The confusion matrix of each head that tells all classes apart, and at last of the network itself, at the images'
/// own sizes.
///
/// - Throws: what reading the data throws.
package func stageConfusions(
  _ network: any StageSupervised, on dataset: any SegmentationDataset, images: Int = .max,
  normalization: ImageNormalization = .imageNet, _ report: (Int, Int) -> Void = { _, _ in }
) throws -> [ClassConfusion] {
  let table = dataset.classes, count = min(images, dataset.count), weights = PackedWeights()
  var matrices = [ConfusionMatrix](
    repeating: ConfusionMatrix(classes: table.count, ignoreIndex: table.ignoreIndex.map(Int.init)),
    count: network.stageNames.count + 1)
  var session: Program.Session?
  for index in 0..<count {
    let sample = try dataset.sample(at: index), x = Tensor(sample.image, normalization: normalization)
    if session?.program.inputShapes[0] != x.shape {
      let graph = Graph.capture(inputs: [x.shape], parameters: network) { inputs in
        let (logits, stages) = network.supervised(inputs[0])
        return stages + [logits]
      }
      session = Program(graph, sharing: weights).makeSession()
    }
    let size = Pair(height: x.shape[2], width: x.shape[3])
    for (place, logits) in session!([x]).enumerated() {
      let labels = argmax(logits, resizedTo: size).reshaped(sample.labels.shape)
      matrices[place].add(prediction: labels, truth: sample.labels)
    }
    report(index + 1, count)
  }
  return matrices.map { matrix in
    ClassConfusion(
      (0..<table.count).map { truth in
        (0..<table.count).map { Double(matrix.count(truth: truth, prediction: $0)) }
      })
  }
}
