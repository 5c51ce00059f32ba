import SegData
import SegImages
import SegKernels
import SegTraining

/// FFNet's claim as an experiment: at equal latency, basic blocks segment better than bottlenecks, because what the
/// network sees is larger.
///
/// Three encoders of half-width FFNet's make (stem 16/32, stages 32/64/96/160) under the same head, their latencies
/// within 5 % of each other (`benchmarks arms ffnet`): bottlenecks as in ResNet-50; basic blocks, of which twice as many
/// take that time; and the bottlenecks dilated to keep 1/8 of the image's size, which no depth makes fast enough, so that
/// they are narrower (16/32/48/96). All start from scratch: no encoder fits them all.
///
/// Beside the scores: the effective receptive field before and after training, and mIoU where the network sees a
/// window of the image alone. Mehta et al. 2022 (arXiv 2206.08236).
public struct FFNetReproduction: SegmentationReproduction {
  /// The experiment of the paper.
  public init() {}

  /// Arms of equal latency, the paper's claim, and the controls of its cause.
  public let experiment = Experiment(
    paper: "ffnet",
    arms: [
      Experiment.Arm("basic", ["block": "basic", "depths": [6, 8, 12, 6]]),
      Experiment.Arm("bottleneck", ["block": "bottleneck", "depths": [3, 4, 6, 3]]),
      Experiment.Arm(
        "dilated",
        ["block": "bottleneck", "depths": [3, 4, 6, 3], "widths": [16, 32, 48, 96], "isDilated": true]),
    ],
    contrasts: [
      Experiment.Contrast("mIoU", "basic", minus: "bottleneck", role: .claim),
      Experiment.Contrast("mIoU", "basic", minus: "dilated", role: .control),
      Experiment.Contrast("receptive field after", "basic", minus: "bottleneck", role: .control),
      Experiment.Contrast("receptive field before", "basic", minus: "bottleneck", role: .control),
    ])

  /// Twice what other papers need: a receptive field has to have room.
  public func size(_ preset: Experiment.Preset) -> Pair { preset == .quick ? [384, 768] : [512, 1024] }

  /// 1,500 steps of 4 images in the quick preset, 20,000 in full, of the size of ``size(_:)``; the rest is
  /// `Recipe.experiment(_:)`'s.
  public func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe {
    var recipe = Recipe.experiment(preset)
    let size = size(preset)
    recipe.augment.crop = [size.height, size.width]
    recipe.batch = 4
    recipe.steps = preset == .quick ? 1500 : 20_000
    recipe.model = "ffnet-\(arm.name)"
    return arm.recipe(over: recipe, ownKeys: ["block", "depths", "widths", "isDilated"])
  }

  /// The arm's encoder under the head of `ffnet22S_half_BCC`, trained by the recipe's loss.
  public func build(
    _ arm: Experiment.Arm, _ recipe: Recipe, _ classes: ClassTable, _ setup: RunSetup
  ) throws -> SegmentationArm {
    let network = FFNetReproduction.network(arm, classes: classes.count, seed: recipe.seed)
    let task = SegmentationTask(
      network, ignoreIndex: classes.ignoreIndex.map(Int.init), loss: SegmentationLoss(recipe.loss))
    return SegmentationArm(task: task, predictor: network)
  }

  /// The network of an arm.
  package static func network(_ arm: Experiment.Arm, classes: Int, seed: UInt64) -> FFNet {
    guard let block = arm.settings["block"]?.text.flatMap(ResidualBlockKind.init),
      case .list(let depths)? = arm.settings["depths"],
      let head = FFNetConfiguration(name: "ffnet22S_half_BCC", classes: classes)
    else { preconditionFailure("ffnet: arm \(arm.name) lacks a block or depths: \(arm.settings)") }
    let widths: [Int]
    if case .list(let own)? = arm.settings["widths"] {
      widths = own.map { Int($0.number ?? 0) }
    } else {
      widths = head.backbone.stages.map(\.width)
    }
    // Output stride 8: the last two stages keep the size and dilate by 2 and 4.
    let isDilated = arm.settings["isDilated"]?.flag ?? false
    let strides = isDilated ? [1, 2, 1, 1] : [1, 2, 2, 2], dilations = isDilated ? [1, 1, 2, 4] : [1, 1, 1, 1]
    let stages = widths.enumerated().map { index, width in
      ResNetConfiguration.Stage(
        depth: Int(depths[index].number ?? 0), width: width, stride: strides[index], dilation: dilations[index])
    }
    return FFNet(
      head, backbone: ResNetConfiguration(stem: head.backbone.stem, block: block, stages: stages), seed: seed)
  }

  /// The effective receptive field of the fresh network, `receptive field before`, in pixels.
  public func metricsBefore(
    _ network: SegmentationArm, _ fold: ExperimentData.Fold, _ setup: RunSetup
  ) throws -> [RunResult.Metric] {
    // Running statistics have seen nothing yet: with them a fresh network would be little but its shortcuts.
    [try receptiveField(network, "before", fold.test, setup, usesBatchStatistics: true)]
  }

  /// That of the trained network, `receptive field after`, and the `WindowCurve`.
  public func metricsAfter(
    _ network: SegmentationArm, _ fold: ExperimentData.Fold, _ setup: RunSetup
  ) throws -> [RunResult.Metric] {
    [try receptiveField(network, "after", fold.test, setup, usesBatchStatistics: false)]
      + (try WindowCurve(network.predictor, on: fold.test, images: setup.cut(24), unscored: setup.data.unscored).metrics)
  }

  private func receptiveField(
    _ network: SegmentationArm, _ moment: String, _ dataset: any SegmentationDataset, _ setup: RunSetup,
    usesBatchStatistics: Bool
  ) throws -> RunResult.Metric {
    let field = try EffectiveReceptiveField(
      network.predictor, on: dataset, images: setup.cut(64), usesBatchStatistics: usesBatchStatistics, seed: 1)
    return RunResult.Metric("receptive field \(moment)", field.radius(holding: 0.9))
  }
}
