import Foundation
import SegData
import SegImages
import SegKernels

/// What an arm trains, and how its network predicts.
public struct SegmentationArm {
  /// The network and its loss; it may own heads that prediction does without.
  public let task: any TrainingTask
  /// From images N×3×H×W to logits, at any stride: what is timed, counted and scored. Shares its parameters with the
  /// task's network.
  public let predictor: any UnaryModule
  /// Everything that training computes of the images, where that is more than ``predictor``: for counting operations.
  public let trained: ((Tensor) -> [Tensor])?

  /// An arm's parts.
  public init(task: any TrainingTask, predictor: any UnaryModule, trained: ((Tensor) -> [Tensor])? = nil) {
    self.task = task
    self.predictor = predictor
    self.trained = trained
  }
}

/// A reproduction whose arms train a network that segments images, by recipes, and score it on held-out ones: mIoU,
/// boundary F, trimap IoU, floating-point operations and milliseconds. Cross-validation trains once a fold and scores
/// all test images together.
public protocol SegmentationReproduction: Reproduction {
  /// What an arm needs before its folds are trained, kept in `setup.shared`; nothing by default.
  ///
  /// - Parameters:
  ///   - arm: which arm.
  ///   - recipe: the arm's, with the run's seed, steps and data.
  ///   - setup: what all runs share.
  ///   - report: called with what is done, how much of it is done, of how much.
  func prepare(
    _ arm: Experiment.Arm, _ recipe: Recipe, _ setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void) throws

  /// Builds an arm's network and loss, its weights drawn from `recipe.seed` or taken from `setup.encoder`.
  func build(_ arm: Experiment.Arm, _ recipe: Recipe, _ classes: ClassTable, _ setup: RunSetup) throws
    -> SegmentationArm

  /// What an arm learns from; by default the fold's own.
  func training(_ arm: Experiment.Arm, _ fold: ExperimentData.Fold, _ setup: RunSetup) throws
    -> any SegmentationDataset

  /// Further scores of the network as it starts; none by default.
  func metricsBefore(_ network: SegmentationArm, _ fold: ExperimentData.Fold, _ setup: RunSetup) throws
    -> [RunResult.Metric]

  /// Further scores of the trained network; none by default.
  func metricsAfter(_ network: SegmentationArm, _ fold: ExperimentData.Fold, _ setup: RunSetup) throws
    -> [RunResult.Metric]

  /// What a reader must know of the trained networks of an arm, one sentence each; nothing by default.
  func notes(_ arm: Experiment.Arm, _ recipe: Recipe, _ setup: RunSetup) throws -> [String]
}

extension SegmentationReproduction {
  public func prepare(
    _ arm: Experiment.Arm, _ recipe: Recipe, _ setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void
  ) throws {}

  /// The fold's own.
  public func training(_ arm: Experiment.Arm, _ fold: ExperimentData.Fold, _ setup: RunSetup) throws
    -> any SegmentationDataset
  { fold.train }

  public func notes(_ arm: Experiment.Arm, _ recipe: Recipe, _ setup: RunSetup) throws -> [String] { [] }

  /// None.
  public func metricsBefore(_ network: SegmentationArm, _ fold: ExperimentData.Fold, _ setup: RunSetup) throws
    -> [RunResult.Metric]
  { [] }

  /// None.
  public func metricsAfter(_ network: SegmentationArm, _ fold: ExperimentData.Fold, _ setup: RunSetup) throws
    -> [RunResult.Metric]
  { [] }

  /// Builds, trains and scores one arm, fold by fold: floating-point operations and milliseconds of the first fold's
  /// network, scores of all folds' test images together, further metrics as means over folds.
  ///
  /// - Throws: what data, checkpoints and training throw.
  public func run(
    _ arm: Experiment.Arm, seed: UInt64, setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void
  ) throws -> RunResult {
    let recipe = recipe(arm, seed: seed, setup)
    var result = RunResult(), score: SegmentationScore?, further: [[RunResult.Metric]] = []
    result.steps = recipe.steps
    try prepare(arm, recipe, setup, report)
    result.notes = setup.data.notes + (try notes(arm, recipe, setup))
    for (number, fold) in setup.data.folds.enumerated() {
      var setup = setup
      setup.fold = number
      let classes = fold.train.classes, name = setup.data.folds.count > 1 ? "fold \(number + 1), " : ""
      let network = try build(arm, recipe, classes, setup)
      let before = try metricsBefore(network, fold, setup)
      if number == 0 {
        result.parameters = network.predictor.parameterCount
        result.trainGFLOPPerImage = recipe.trainingGFLOP { network.trained?($0) ?? [network.predictor($0)] }
      }
      result.seconds += try setup.train(
        network.task, recipe, on: try training(arm, fold, setup),
        in: setup.folder.appendingPathComponent("fold-\(number)")
      ) { report(name + "training", $0, $1) }
      var foldScore = score ?? SegmentationScore(classes: classes.count, unscored: setup.data.unscored)
      let test = setup.cut(fold.test)
      try foldScore.add(network.predictor, on: test) { report(name + "scoring", $0, $1) }
      score = foldScore
      further.append(before + (try metricsAfter(network, fold, setup)))
      if number == 0 {
        result.inferMilliseconds = inferenceMilliseconds(network.predictor, size(setup.preset))
      }
    }
    if let score {
      result.images = score.images
      result.metrics = score.metrics
    }
    // Of several folds the mean.
    for (index, metric) in (further.first ?? []).enumerated() {
      var mean = metric
      let values = further.compactMap { $0[index].value }
      mean.value = values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
      result.metrics.append(mean)
    }
    return result
  }
}

extension SegmentationScore {
  /// Scores a network, compiled, on every image of a data set at the image's own size.
  public mutating func add(
    _ network: any UnaryModule, on dataset: any SegmentationDataset, normalization: ImageNormalization = .imageNet,
    _ report: (Int, Int) -> Void = { _, _ in }
  ) throws {
    let weights = PackedWeights()
    var session: Program.Session?
    for index in 0..<dataset.count {
      let sample = try dataset.sample(at: index)
      let x = Tensor(sample.image, normalization: normalization)
      if session?.program.inputShapes[0] != x.shape {
        session = network.compiled(for: x.shape, sharing: weights).makeSession()
      }
      let size = Pair(height: x.shape[2], width: x.shape[3])
      let labels = argmax(session!([x])[0], resizedTo: size).reshaped(sample.labels.shape)
      add(prediction: labels, truth: sample.labels, ignoreIndex: dataset.classes.ignoreIndex.map(Int.init))
      report(index + 1, dataset.count)
    }
  }
}

/// The median time of a compiled network for one image, milliseconds.
public func inferenceMilliseconds(_ network: any UnaryModule, _ size: Pair, repetitions: Int = 11) -> Double {
  inferenceMilliseconds(network.compiled(for: [1, 3, size.height, size.width]), repetitions: repetitions)
}

/// The median time of a program of one input, milliseconds.
public func inferenceMilliseconds(_ program: Program, repetitions: Int = 11) -> Double {
  let session = program.makeSession(), clock = ContinuousClock()
  var random = RandomSource(seed: 1)
  let x = Tensor.normal(program.inputShapes[0], using: &random)
  _ = session([x])
  return (0..<repetitions).map { _ in clock.measure { _ = session([x]) }.seconds * 1000 }.sorted()[repetitions / 2]
}
