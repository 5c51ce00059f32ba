import SegData
import SegFFNet
import SegImages
import SegKernels
import SegMetrics
import SegTraining

/// InverseForm's claim as an experiment: judging predicted boundaries by the transform that maps them to the true ones
/// makes segmentation better than judging them pixel by pixel does.
///
/// All arms train half-width FFNet-22S with a boundary branch, which inference does without: cross entropy alone; with
/// balanced cross entropy of the boundaries; with the InverseForm term; and two controls: the same by an inverse network
/// of random weights, and a soft Dice loss of the boundaries in its place. Two further arms tell depth as well
/// (``MultiTaskNetwork``), without and with the InverseForm term; they need data with depth, made-up streets. Borse et
/// al. 2021 (arXiv 2104.02745).
public struct InverseFormReproduction: SegmentationReproduction {
  /// The experiment of the paper.
  public init() {}

  /// The arms and the contrasts.
  public let experiment = Experiment(
    paper: "inverseform",
    arms: [
      Experiment.Arm("cross-entropy"),
      Experiment.Arm("boundary", ["loss.boundary": 0.3]),
      Experiment.Arm("inverseform", ["loss.boundary": 0.3, "loss.inverseForm": 0.3]),
      Experiment.Arm("untrained", ["loss.boundary": 0.3, "loss.inverseForm": 0.3, "isUntrained": true]),
      Experiment.Arm("dice", ["loss.boundary": 0.3, "boundaryDice": 0.3]),
      Experiment.Arm("multitask-boundary", InverseFormReproduction.multiTask.merging(["loss.boundary": 0.3]) { $1 }),
      Experiment.Arm(
        "multitask-inverseform",
        InverseFormReproduction.multiTask.merging(["loss.boundary": 0.3, "loss.inverseForm": 0.3]) { $1 }),
    ],
    contrasts: [
      Experiment.Contrast("mIoU", "inverseform", minus: "boundary", role: .claim),
      Experiment.Contrast("boundaryF@1px", "inverseform", minus: "boundary", role: .claim),
      Experiment.Contrast("boundaryF@2px", "inverseform", minus: "boundary", role: .claim),
      Experiment.Contrast("boundaryF@3px", "inverseform", minus: "boundary", role: .claim),
      Experiment.Contrast("boundaryF@1px", "inverseform", minus: "untrained", role: .control),
      Experiment.Contrast("boundaryF@1px", "inverseform", minus: "dice", role: .control),
      Experiment.Contrast("boundaryF@1px", "boundary", minus: "cross-entropy", role: .control),
      Experiment.Contrast("mIoU", "multitask-inverseform", minus: "multitask-boundary", role: .control),
      Experiment.Contrast("boundaryF@1px", "multitask-inverseform", minus: "multitask-boundary", role: .control),
      Experiment.Contrast("AbsRel", "multitask-inverseform", minus: "multitask-boundary", role: .control),
    ])

  /// What makes an arm tell depth as well.
  private static let multiTask: [String: Setting] = ["model": "multitask_ffnet22S_half_BCC", "loss.depth": 0.5]

  /// That of all experiments.
  public func size(_ preset: Experiment.Preset) -> Pair { .experiment(preset) }

  /// The recipe of an arm.
  public func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe {
    arm.recipe(over: .experiment(preset), ownKeys: ["isUntrained", "boundaryDice"])
  }

  /// An arm's network and loss.
  public func build(
    _ arm: Experiment.Arm, _ recipe: Recipe, _ classes: ClassTable, _ setup: RunSetup
  ) throws -> SegmentationArm {
    var plain = recipe
    let base = MultiTaskNetwork.base(of: recipe.model)
    if let base { plain.model = "segmentation_" + base }
    let single = try FFNet(experiment: plain, classes: classes.count, setup)
    let network: any FeatureSegmenter = base == nil ? single : MultiTaskNetwork(single, seed: recipe.seed)
    let isUntrained = arm.settings["isUntrained"]?.flag ?? false
    var loss = try JointLoss(recipe.loss, segmentation: SegmentationLoss(recipe.loss)) {
      try isUntrained ? AntisymmetricInverseNetwork(seed: recipe.seed) : .bundled()
    }
    loss.dice = Float(arm.settings["boundaryDice"]?.number ?? 0)
    let supervised = BoundaryBranch(network, seed: recipe.seed)
    let ignoreIndex = classes.ignoreIndex.map(Int.init)
    let task = InverseFormTask(supervised, ignoreIndex: ignoreIndex, loss: loss)
    return SegmentationArm(task: task, predictor: network) { x in
      supervised.supervised(x).flatMap { [$0.logits, $0.boundary] + [$0.logDepth].compactMap { $0 } }
    }
  }

  /// What arms that tell depth lack on data without.
  public func problem(of arm: Experiment.Arm, on data: ExperimentData) -> String? {
    let isMultiTask = arm.settings["loss.depth"] != nil
    return isMultiTask && data.streets == nil ? "expected data with depth (streets), found '\(data.name)'" : nil
  }

  /// The fold's training data, with depth for the arms that learn it.
  public func training(
    _ arm: Experiment.Arm, _ fold: ExperimentData.Fold, _ setup: RunSetup
  ) throws -> any SegmentationDataset {
    guard arm.settings["loss.depth"] != nil, let streets = setup.data.streets else { return fold.train }
    return try streets("train", size(setup.preset)).cached(keepsDepth: true)
  }

  /// The depth's error of the arms that tell it.
  public func metricsAfter(
    _ network: SegmentationArm, _ fold: ExperimentData.Fold, _ setup: RunSetup
  ) throws -> [RunResult.Metric] {
    guard let multiTask = network.predictor as? MultiTaskNetwork, let streets = setup.data.streets else { return [] }
    let test = setup.cut(try streets("test", size(setup.preset)).cached(keepsDepth: true))
    var evaluation = DepthEvaluation(.uncropped(scalesByMedian: false))
    multiTask.setTraining(false)
    for index in 0..<test.count {
      let sample = try test.sample(at: index)
      guard let truth = sample.depth else { continue }
      let logDepth = multiTask.logDepth(ofImages: Tensor(sample.image, normalization: .imageNet))
      evaluation.add(depth: logDepth.exp().reshaped(truth.shape), truth: truth)
    }
    let errors = DepthErrors(meanOf: evaluation.images)
    return [
      .init("AbsRel", errors?.absoluteRelative, higherIsBetter: false),
      .init("δ < 1.25", errors?.delta1),
    ]
  }
}
