import SegData
import SegFFNet
import SegImages
import SegKernels
import SegTraining

/// InverseForm's claim as an experiment: judging predicted boundaries by the transform that maps them to the true ones
/// makes segmentation better than judging them pixel by pixel does.
///
/// All arms train half-width FFNet-22S with a boundary branch, which inference does without: cross entropy alone; with
/// balanced cross entropy of the boundaries; with the InverseForm term; and two controls: the same by an inverse network
/// of random weights, and a soft Dice loss of the boundaries in its place. Borse et al. 2021 (arXiv 2104.02745).
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
    ],
    contrasts: [
      Experiment.Contrast("mIoU", "inverseform", minus: "boundary", role: .claim),
      Experiment.Contrast("boundaryF@1px", "inverseform", minus: "boundary", role: .claim),
      Experiment.Contrast("boundaryF@2px", "inverseform", minus: "boundary", role: .claim),
      Experiment.Contrast("boundaryF@3px", "inverseform", minus: "boundary", role: .claim),
      Experiment.Contrast("boundaryF@1px", "inverseform", minus: "untrained", role: .control),
      Experiment.Contrast("boundaryF@1px", "inverseform", minus: "dice", role: .control),
      Experiment.Contrast("boundaryF@1px", "boundary", minus: "cross-entropy", role: .control),
    ])

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
    let network = try FFNet(experiment: recipe, classes: classes.count, setup)
    let inverse = try recipe.loss.inverseForm > 0 ? InverseFormReproduction.inverse(arm, recipe) : nil
    var loss = JointLoss(segmentation: SegmentationLoss(recipe.loss), inverse: inverse)
    (loss.boundary, loss.inverseForm) = (recipe.loss.boundary, recipe.loss.inverseForm)
    loss.dice = Float(arm.settings["boundaryDice"]?.number ?? 0)
    let supervised = BoundaryBranch(network, seed: recipe.seed)
    let ignoreIndex = classes.ignoreIndex.map(Int.init)
    let task = InverseFormTask(supervised, ignoreIndex: ignoreIndex, loss: loss)
    return SegmentationArm(task: task, predictor: network) { x in
      supervised.supervised(x).flatMap { [$0.logits, $0.boundary] }
    }
  }

  private static func inverse(_ arm: Experiment.Arm, _ recipe: Recipe) throws -> InverseFormLoss {
    let isUntrained = arm.settings["isUntrained"]?.flag ?? false
    return InverseFormLoss(try isUntrained ? AntisymmetricInverseNetwork(seed: recipe.seed) : .bundled())
  }
}
