import SegData
import SegFFNet
import SegImages
import SegKernels
import SegTraining

/// IFA's claim as an experiment: features of all levels aligned by an implicit function segment better than the same
/// features enlarged bilinearly and added do.
///
/// Arms share the encoder of half-width FFNet-22S and the laterals' width; decoders take as many operations within 10 %:
/// enlarging and convolution; the implicit function asked at the finest level's grid, as released; the same asked at
/// random pixels; and the first without offsets and encoding. All are also decoded at 1, 2 and 4 times the image's size
/// and scored against labels drawn at that size, where the data are made up; what has no positions is enlarged
/// bilinearly. Hu et al. 2022 (arXiv 2206.08655).
public struct IFAReproduction: SegmentationReproduction {
  /// The experiment of the paper.
  public init() {}

  /// The arms and the contrasts.
  public let experiment = Experiment(
    paper: "ifa",
    arms: [
      Experiment.Arm("convolution", ["decoder": "convolution"]),
      Experiment.Arm("grid", ["decoder": "implicit", "queries.kind": "grid"]),
      Experiment.Arm("random", ["decoder": "implicit", "queries.kind": "points"]),
      Experiment.Arm("unaware", ["decoder": "implicit", "queries.kind": "grid", "encoding": "absent"]),
    ],
    contrasts: [
      Experiment.Contrast("mIoU", "random", minus: "convolution", role: .claim),
      Experiment.Contrast("boundaryF@1px", "random", minus: "convolution", role: .claim),
      Experiment.Contrast("mIoU at 4×", "random", minus: "convolution", role: .claim),
      Experiment.Contrast("mIoU", "grid", minus: "unaware", role: .control),
      Experiment.Contrast("mIoU", "grid", minus: "convolution", role: .control),
      Experiment.Contrast("mIoU at 4×", "random", minus: "grid", role: .control),
    ])

  /// That of all experiments.
  public func size(_ preset: Experiment.Preset) -> Pair { .experiment(preset) }

  /// The recipe of an arm.
  public func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe {
    var recipe = Recipe.experiment(preset)
    recipe.model = "ifa_ffnet22S_half_B"
    recipe.queries.auxiliary = 0
    return arm.recipe(over: recipe, ownKeys: ["decoder", "encoding"])
  }

  /// An arm's network and loss.
  public func build(
    _ arm: Experiment.Arm, _ recipe: Recipe, _ classes: ClassTable, _ setup: RunSetup
  ) throws -> SegmentationArm {
    guard var configuration = IFAConfiguration(name: recipe.model, classes: classes.count),
      case .ffnet(let backbone) = configuration.backbone
    else { preconditionFailure("ifa: expected an FFNet under an implicit decoder, found \(recipe.model)") }
    let ignoreIndex = classes.ignoreIndex.map(Int.init), loss = SegmentationLoss(recipe.loss)
    if arm.settings["decoder"]?.text == "convolution" {
      let network = ConvolutionPyramid(
        backbone, width: configuration.decoder.width, classes: classes.count, seed: recipe.seed)
      if let encoder = setup.encoder { try network.startEncoder(from: encoder) }
      return SegmentationArm(
        task: SegmentationTask(network, ignoreIndex: ignoreIndex, loss: loss), predictor: network)
    }
    if arm.settings["encoding"]?.text == "absent" { configuration.decoder.encoding = .absent }
    let network = IFANetwork(configuration, seed: recipe.seed)
    if let encoder = setup.encoder { try network.startEncoder(from: encoder) }
    let task = IFATask(network, ignoreIndex: ignoreIndex, loss: loss, queries: recipe.queries, seed: recipe.seed)
    return SegmentationArm(task: task, predictor: network)
  }

  /// mIoU at 1, 2 and 4 times the image's size.
  public func metricsAfter(
    _ network: SegmentationArm, _ fold: ExperimentData.Fold, _ setup: RunSetup
  ) throws -> [RunResult.Metric] {
    guard let streets = setup.data.streets else { return [] }
    return try [1, 2, 4].map { factor in
      var score = SegmentationScore(classes: fold.test.classes.count, unscored: setup.data.unscored)
      let size = size(setup.preset), large = Pair(height: factor * size.height, width: factor * size.width)
      let drawn = streets("test", large), ignored = fold.test.classes.ignoreIndex.map(Int.init)
      for index in 0..<min(setup.cut(32), fold.test.count) {
        let truth = drawn.sample(at: index).labels
        let x = Tensor(try fold.test.sample(at: index).image, normalization: .imageNet)
        let labels = IFAReproduction.labels(network.predictor, x, large)
        score.add(prediction: labels.reshaped(truth.shape), truth: truth, ignoreIndex: ignored)
      }
      return RunResult.Metric("mIoU at \(factor)×", score.metrics.first?.value)
    }
  }

  /// The labels of an image at another size: asked at its pixels where the network can be, else enlarged.
  private static func labels(_ network: any UnaryModule, _ x: Tensor, _ size: Pair) -> Labels {
    let logits = (network as? any ResolutionFree).map { $0(x, at: .grid(size)) } ?? network(x)
    return argmax(logits, resizedTo: size)
  }
}
