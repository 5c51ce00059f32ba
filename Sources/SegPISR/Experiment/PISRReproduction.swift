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
/// Of every seed one baseline is trained, Panoptic-DeepLab with a half-width FFNet's backbone; all arms go on from it for
/// half as many steps: the baseline itself; two stages with convolutions of as many parameters between; relations of
/// classes alone (as object context); PISR without re-weighting; PISR. The arms with things have 50 slots, and are scored
/// with 5, 20 and 50 of them filled. Borse et al. 2022 (arXiv 2204.05370).
public struct PISRReproduction: Reproduction {
  /// The experiment of the paper.
  public init() {}

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

  public func size(_ preset: Experiment.Preset) -> Pair { .experiment(preset) }

  public func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe {
    var recipe = Recipe.experiment(preset)
    recipe.model = "panoptic_deeplab_ffnet22S_half"
    recipe.steps = preset == .quick ? 1000 : 5000
    recipe.optimization.clip = 10
    (recipe.panoptic.sigma, recipe.panoptic.smallArea, recipe.panoptic.offset) = (4, 256, 0.04)
    return arm.recipe(over: recipe, ownKeys: ["stages", "tokens", "weighing", "slots"])
  }

  public func run(
    _ arm: Experiment.Arm, seed: UInt64, setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void
  ) throws -> RunResult {
    var recipe = recipe(arm, setup.preset)
    recipe.seed = seed
    recipe.steps = setup.steps(of: recipe)
    recipe.data.kind = setup.data.name
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
    let graph = Graph.capture(inputs: [[1, 3, recipe.augment.crop[0], recipe.augment.crop[1]]]) {
      network.outputs($0[0])
    }
    result.trainGFLOPPerImage = 3 * Double(graph.floatingPointOperations) / 1e9
    let folder = setup.folder.appendingPathComponent("arm")
    result.seconds = try train(network, recipe, fold, setup, folder) { report("training", $0, $1) }
    network.setTraining(false)
    let test = setup.cut(fold.test)
    var score = PanopticScore(categories)
    let slots = arm.settings["slots"]?.number.map { Int($0) }
    for limit in slots == nil ? [nil] : [20, 5, 50] as [Int?] {
      (network as? any RelationalNetwork)?.instanceLimit = limit
      try score.add(network, on: test, limit: limit) { report(limit.map { "scoring, \($0) slots" } ?? "scoring", $0, $1) }
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
    let folder = setup.folder.deletingLastPathComponent().appendingPathComponent("baseline-\(recipe.hash)")
    let weights = folder.appendingPathComponent("weights.safetensors")
    if let known = try? readWeights(at: weights) { return known.tensors }
    let network = PISRReproduction.network(Experiment.Arm("baseline"), things: things, seed: recipe.seed)
    if let encoder = setup.encoder {
      _ = try network.start(
        from: Dictionary(uniqueKeysWithValues: encoder.map { ("backbone_model." + $0.key, $0.value) }))
    }
    _ = try train(network, recipe, fold, setup, folder, report)
    return try readWeights(at: weights).tensors
  }

  /// Trains in a folder, from its last checkpoint if there is one. Returns the seconds.
  private func train(
    _ network: any PanopticNetwork, _ recipe: Recipe, _ fold: ExperimentData.Fold, _ setup: RunSetup, _ folder: URL,
    _ report: (Int, Int) -> Void
  ) throws -> Double {
    let loader = BatchLoader(
      fold.train, batchSize: recipe.batch, augmentation: recipe.augmentation, seed: recipe.seed)
    let classes = fold.train.classes
    let card = ModelCard(
      model: recipe.model, classes: classes, normalization: loader.normalization,
      size: Pair(height: recipe.augment.crop[0], width: recipe.augment.crop[1]), recipe: recipe.hash,
      terms: setup.data.terms)
    let task = PanopticTask(
      network, ignoreIndex: classes.ignoreIndex.map(Int.init), settings: recipe.panoptic)
    let trainer = try Trainer(
      task, recipe: recipe, loader: loader, folder: folder, card: card, resume: Trainer.canResume(folder))
    var seconds = 0.0
    try trainer.run {
      seconds = $0.seconds
      report($0.step, $0.steps)
    }
    return seconds
  }

  /// Medians for one image, milliseconds: the network, and what is left of it without its second stage.
  private static func milliseconds(
    _ network: any PanopticNetwork, _ size: Pair, repetitions: Int
  ) -> (whole: Double, base: Double) {
    func median(_ network: any PanopticNetwork) -> Double {
      var random = RandomSource(seed: 1)
      let x = Tensor.normal([1, 3, size.height, size.width], using: &random), clock = ContinuousClock()
      let session = Program(Graph.capture(inputs: [x.shape]) { network.outputs($0[0]) }).makeSession()
      _ = session([x])
      return (0..<repetitions).map { _ in clock.measure { _ = session([x]) }.seconds * 1000 }.sorted()[repetitions / 2]
    }
    return (median(network), median((network as? RelationalPanoptic<PanopticDeepLab>)?.base ?? network))
  }
}
