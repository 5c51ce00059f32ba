import Foundation
import SegData
import SegFiles
import SegFormats
import SegImages
import SegKernels
import SegMetrics
import SegTraining

/// PISR's claim as an experiment: relations between classes, things and pixels make panoptic segmentation better than a
/// second stage of heads and as many parameters would.
///
/// Of every seed one baseline is trained, Panoptic-DeepLab with a half-width FFNet's backbone; all arms go on from it
/// for half as many steps: the baseline itself; two stages with convolutions of as many parameters between; relations of
/// classes alone (as object context); PISR without re-weighting; PISR. The arms with things have 50 slots, and are
/// scored with 5, 20 and 50 of them filled. Borse et al. 2022 (arXiv 2204.05370).
public struct PISRReproduction: Reproduction {
  /// The experiment of the paper.
  public init() {}

  /// The arms and the contrasts.
  public let experiment = Experiment(
    paper: "pisr",
    arms: [
      Experiment.Arm("baseline", ["stages": 1]),
      Experiment.Arm("two-stage", ["stages": 2]),
      Experiment.Arm("semantic", ["stages": 2, "tokens": "semantic"]),
      Experiment.Arm("unweighted", ["stages": 2, "tokens": "panoptic", "weighing": "none", "slots": 50]),
      Experiment.Arm("pisr", ["stages": 2, "tokens": "panoptic", "weighing": "all", "slots": 50]),
    ],
    contrasts: [
      Experiment.Contrast("PQ", "pisr", minus: "two-stage", role: .claim),
      Experiment.Contrast("PQ", "pisr", minus: "baseline", role: .control),
      Experiment.Contrast("PQ", "pisr", minus: "semantic", role: .control),
      Experiment.Contrast("PQ", "pisr", minus: "unweighted", role: .control),
      Experiment.Contrast("PQ of 50 slots", "pisr", minus: "unweighted", role: .control),
    ])

  /// That of all experiments.
  public func size(_ preset: Experiment.Preset) -> Pair { .experiment(preset) }

  /// The recipe of an arm.
  public func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe {
    var recipe = Recipe.experiment(preset)
    recipe.model = "panoptic_deeplab_ffnet22S_half"
    recipe.steps = preset == .quick ? 1000 : 5000
    recipe.optimization.clip = 10
    (recipe.panoptic.sigma, recipe.panoptic.smallArea, recipe.panoptic.offset) = (4, 256, 0.04)
    return arm.recipe(over: recipe, ownKeys: ["stages", "tokens", "weighing", "slots"])
  }

  /// Trains and scores one arm, after the baseline of its seed.
  public func run(
    _ arm: Experiment.Arm, seed: UInt64, setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void
  ) throws -> RunResult {
    let recipe = recipe(arm, seed: seed, setup)
    var result = RunResult()
    result.steps = recipe.steps
    result.notes = setup.data.notes
    guard let fold = setup.data.folds.first, let categories = fold.train.categories else {
      throw FileError(path: setup.data.name, problem: "expected data whose things are told apart, found others")
    }
    if setup.data.folds.count > 1 { result.notes.append("of \(setup.data.folds.count) folds the first is run") }
    let things = categories.map(\.isThing)
    let start = try baseline(recipe, fold, setup, things: things) { report("shared baseline", $0, $1) }
    let network = PISRReproduction.network(arm, things: things, seed: seed)
    _ = try network.start(from: start)
    result.parameters = network.parameterCount
    result.trainGFLOPPerImage = recipe.trainingGFLOP(network.outputs)
    let folder = setup.folder.appendingPathComponent("arm")
    result.seconds = try train(network, recipe, fold, setup, folder) { report("training", $0, $1) }
    network.setTraining(false)
    let test = setup.cut(fold.test)
    var score = PanopticScore(categories)
    let slots = arm.settings["slots"]?.number.map { Int($0) }
    for limit in slots == nil ? [nil] : [20, 5, 50] as [Int?] {
      (network as? any RelationalNetwork)?.instanceLimit = limit
      try score.add(network, on: test, limit: limit) {
        report(limit.map { "scoring, \($0) slots" } ?? "scoring", $0, $1)
      }
    }
    (network as? any RelationalNetwork)?.instanceLimit = slots.map { min($0, 20) }
    result.metrics = score.metrics
    result.images = score.images
    if let foreign = setup.data.foreign {
      var score = PanopticScore(foreign.categories ?? categories)
      try score.add(network, on: setup.cut(foreign), size: size(setup.preset), limit: nil) { report("foreign", $0, $1) }
      result.metrics.append(.init("PQ of \(foreign.classes.count)-class real images, no claim", score.metrics[0].value))
    }
    let times = PISRReproduction.milliseconds(network, size(setup.preset), repetitions: max(setup.cut(11), 3))
    result.inferMilliseconds = times.whole
    result.metrics.append(.init("ms of the second stage", times.whole - times.base, higherIsBetter: false))
    return result
  }

  /// The network of an arm, its weights drawn from a seed.
  package static func network(_ arm: Experiment.Arm, things: [Bool], seed: UInt64) -> any PanopticNetwork {
    guard var configuration = PanopticConfiguration(name: "panoptic_deeplab_ffnet22S_half") else {
      preconditionFailure("pisr: no network of that name")
    }
    configuration.things = things
    let base = configuration.makeDeepLab(seed: seed)
    guard arm.settings["stages"]?.number == 2 else { return base }
    let slots = Int(arm.settings["slots"]?.number ?? 0)
    var relation = PanopticRelationConfiguration(
      channels: base.relationChannels, classes: things.count, instances: slots)
    if let weighing = arm.settings["weighing"]?.text.flatMap(PanopticRelationConfiguration.Weighing.init) {
      relation.weighing = weighing
    }
    guard arm.settings["tokens"] != nil else {
      // As many parameters as PISR's own module has.
      relation.instances = 50
      let count = PanopticRelation(relation).parameterCount
      return RelationalPanoptic(
        base, .convolutions(ConvolutionalEnrichment(channels: base.relationChannels, parameters: count)), seed: seed)
    }
    return RelationalPanoptic(base, .relation(PanopticRelation(relation)), seed: seed)
  }

  /// The baseline that all arms of a seed go on from, trained for twice their steps; kept beside the runs.
  private func baseline(
    _ recipe: Recipe, _ fold: ExperimentData.Fold, _ setup: RunSetup, things: [Bool],
    _ report: @escaping (Int, Int) -> Void
  ) throws -> [String: Tensor] {
    var recipe = recipe
    recipe.name = "pisr-baseline"
    recipe.steps *= 2
    let folder = setup.shared.appendingPathComponent("baseline-\(recipe.hash)")
    let weights = folder.appendingPathComponent("weights.safetensors")
    if let known = try? readWeights(at: weights) { return known.tensors }
    let network = PISRReproduction.network(Experiment.Arm("baseline"), things: things, seed: recipe.seed)
    if let encoder = setup.encoder {
      _ = try network.start(from: encoder.renamed("", to: "backbone_model."))
    }
    _ = try train(network, recipe, fold, setup, folder, report)
    return try readWeights(at: weights).tensors
  }

  private func train(
    _ network: any PanopticNetwork, _ recipe: Recipe, _ fold: ExperimentData.Fold, _ setup: RunSetup, _ folder: URL,
    _ report: (Int, Int) -> Void
  ) throws -> Double {
    let ignoreIndex = fold.train.classes.ignoreIndex.map(Int.init)
    let task = PanopticTask(network, ignoreIndex: ignoreIndex, settings: recipe.panoptic)
    return try setup.train(task, recipe, on: fold.train, in: folder, report)
  }

  /// Medians for one image, milliseconds: the network, and what is left of it without its second stage.
  private static func milliseconds(
    _ network: any PanopticNetwork, _ size: Pair, repetitions: Int
  ) -> (whole: Double, base: Double) {
    func median(_ network: any PanopticNetwork) -> Double {
      let graph = Graph.capture(inputs: [[1, 3, size.height, size.width]]) { network.outputs($0[0]) }
      return inferenceMilliseconds(Program(graph), repetitions: repetitions)
    }
    return (median(network), median((network as? RelationalPanoptic<PanopticDeepLab>)?.base ?? network))
  }
}
