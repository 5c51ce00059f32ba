import Foundation
import SegData
import SegFFNet
import SegImages
import SegKernels
import SegTraining

/// HS3's claims as an experiment: asking the stages inside a network for clusters of classes, as many as each can tell
/// apart, is better than asking them for all classes; and so with the Fuse block.
///
/// Half-width FFNet-22S, all arms from one encoder. The clusters of a seed are found once, by a first phase that learns
/// from nine tenths of the training data, and are shared by the arms that need them. `random`: the same numbers and
/// sizes of clusters, their members drawn by chance. HS3 (arXiv 2111.02333).
public struct HS3Reproduction: SegmentationReproduction {
  /// The experiment of the paper.
  public init() {}

  public let experiment = Experiment(
    paper: "hs3",
    arms: [
      Experiment.Arm("none", ["supervision.kind": "none"]),
      Experiment.Arm("deep", ["supervision.kind": "deep"]),
      Experiment.Arm("hs3", ["supervision.kind": "hierarchical"]),
      Experiment.Arm("random", ["supervision.kind": "hierarchical", "isRandom": true]),
      Experiment.Arm("deep-fuse", ["supervision.kind": "deep", "isFused": true]),
      Experiment.Arm("hs3-fuse", ["supervision.kind": "hierarchical", "isFused": true]),
    ],
    contrasts: [
      Experiment.Contrast("mIoU", "hs3", minus: "deep", role: .claim),
      Experiment.Contrast("mIoU", "hs3-fuse", minus: "deep-fuse", role: .claim),
      Experiment.Contrast("mIoU", "hs3", minus: "random", role: .control),
      Experiment.Contrast("mIoU", "deep", minus: "none", role: .control),
    ])

  public func size(_ preset: Experiment.Preset) -> Pair { .experiment(preset) }

  public func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe {
    arm.recipe(over: .experiment(preset), ownKeys: ["isRandom", "isFused"])
  }

  /// Finds the clusters of every fold, unless another arm has found them.
  public func prepare(
    _ arm: Experiment.Arm, _ recipe: Recipe, _ setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void
  ) throws {
    guard recipe.supervision.kind == .hierarchical else { return }
    for (number, fold) in setup.data.folds.enumerated() {
      let card = ModelCard(
        model: recipe.model, classes: fold.train.classes, normalization: .imageNet, size: size(setup.preset),
        recipe: recipe.hash, terms: setup.data.terms)
      let search = HierarchySearch(
        try FFNet(experiment: recipe, classes: fold.train.classes.count, setup), recipe: recipe, dataset: fold.train,
        loss: SegmentationLoss(recipe.loss), card: card, folder: folder(recipe, number, setup))
      _ = try search.run(images: setup.cut(.max)) { report("fold \(number + 1), \($0)", $1, $2) }
    }
  }

  /// Where the clusters of a fold are.
  private func folder(_ recipe: Recipe, _ fold: Int, _ setup: RunSetup) -> URL {
    // Of all arms' recipes alike.
    setup.shared.appendingPathComponent("clusters-\(HierarchySearch.firstPhase(of: recipe).hash)-fold-\(fold)")
  }

  private func hierarchy(_ recipe: Recipe, _ fold: Int, _ setup: RunSetup) throws -> StageHierarchy {
    try StageHierarchy(contentsOf: StageHierarchy.file(in: folder(recipe, fold, setup)))
  }

  public func build(
    _ arm: Experiment.Arm, _ recipe: Recipe, _ classes: ClassTable, _ setup: RunSetup
  ) throws -> SegmentationArm {
    let base = try FFNet(experiment: recipe, classes: classes.count, setup)
    let loss = SegmentationLoss(recipe.loss), ignored = classes.ignoreIndex.map(Int.init)
    guard recipe.supervision.kind != .none else {
      return SegmentationArm(task: SegmentationTask(base, ignoreIndex: ignored, loss: loss), predictor: base)
    }
    let names = try base.places(of: recipe.supervision.stages).map { base.stages[$0].name }
    var clusters = names.map { _ in ClassClusters.separate(classes.count) }
    if recipe.supervision.kind == .hierarchical {
      clusters = try hierarchy(recipe, setup.fold, setup).clusters(
        of: names, classes: classes.names, path: folder(recipe, setup.fold, setup).relativePath)
      if arm.settings["isRandom"]?.flag == true {
        var random = RandomSource(seed: recipe.seed, name: "random clusters")
        clusters = clusters.map { $0.shuffled(using: &random) }
      }
    }
    let counts = clusters.map(\.count), isFused = arm.settings["isFused"]?.flag == true
    let network: any StageSupervised
    if isFused {
      network = try HS3Fuse(base, clusters: { _ in counts }, seed: recipe.seed)
    } else {
      network = try StageSupervision(
        base, stages: recipe.supervision.stages, clusters: { _ in counts }, seed: recipe.seed)
    }
    let task = HS3Task(
      network, clusters: clusters, ignoreIndex: ignored, loss: loss, settings: recipe.supervision)
    return SegmentationArm(task: task, predictor: network.segmenter) { x in
      let (logits, stages) = network.supervised(x)
      return [logits] + stages
    }
  }

  /// The clusters, in words.
  public func notes(_ arm: Experiment.Arm, _ recipe: Recipe, _ setup: RunSetup) throws -> [String] {
    guard arm.name == "hs3" else { return [] }
    return try setup.data.folds.indices.flatMap { fold -> [String] in
      let run = "seed \(recipe.seed)" + (setup.data.folds.count > 1 ? ", fold \(fold + 1)" : "")
      return try hierarchy(recipe, fold, setup).stages.map { stage -> String in
        let shared = stage.clusters.filter { $0.count > 1 }.map { $0.joined(separator: " + ") }
        let words = shared.isEmpty ? "every class alone" : shared.joined(separator: " | ")
        return "\(run), stage \(stage.stage): \(stage.clusters.count) clusters; \(words)"
      }
    }
  }
}

extension ClassClusters {
  /// As many clusters of the same sizes, their members drawn by chance.
  package func shuffled(using random: inout RandomSource) -> ClassClusters {
    ClassClusters(assignment.shuffled(using: &random))
  }
}
