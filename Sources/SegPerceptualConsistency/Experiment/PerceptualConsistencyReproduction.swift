import Foundation
import SegData
import SegFFNet
import SegImages
import SegKernels
import SegMetrics
import SegTraining

/// Perceptual consistency's three claims as an experiment.
///
/// 1. *Measure*: over predictions of graded quality, corrupted in graded ways, PC follows the true consistency (labels
///    that agree along exact flow outside occlusions) better than TC by estimated flow, and than label changes.
/// 2. *Correctness*: pc · confidence tells wrong pixels from right ones better than what is known without it.
/// 3. *Regulariser*: a network trained with it is more consistent, and no worse.
///
/// Zhang et al. 2022 (arXiv 2110.12385).
public struct PerceptualConsistencyReproduction: Reproduction {
  /// The experiment of the paper.
  public init() {}

  static let measures = ["pc", "tc", "changes"]
  static let predictors = ["pc-confidence", "pc-calibrated", "confidence", "entropy", "same-pixel", "warped-pixel"]

  /// Arms of three parts, measure, correctness and regulariser, and their contrasts.
  public let experiment = Experiment(
    paper: "perceptual-consistency",
    arms: measures.map { Experiment.Arm($0, ["part": "measure"]) }
      + predictors.map { Experiment.Arm($0, ["part": "correctness"]) }
      + [
        Experiment.Arm("regulariser-off", ["part": "regulariser", "loss.consistency": 0]),
        Experiment.Arm("regulariser-on", ["part": "regulariser", "loss.consistency": 0.5, "pairs.match": "features"]),
        Experiment.Arm(
          "regulariser-same", ["part": "regulariser", "loss.consistency": 0.5, "pairs.match": "samePosition"]),
        Experiment.Arm(
          "regulariser-flow", ["part": "regulariser", "loss.consistency": 0.5, "pairs.match": "exactFlow"]),
      ],
    contrasts: [
      Experiment.Contrast("Spearman", "pc", minus: "tc", role: .claim),
      Experiment.Contrast("Spearman", "pc", minus: "changes", role: .control),
      Experiment.Contrast("Spearman within models", "pc", minus: "tc", role: .control),
      Experiment.Contrast("Spearman across models", "pc", minus: "tc", role: .control),
      Experiment.Contrast("AUROC", "pc-confidence", minus: "confidence", role: .claim),
      Experiment.Contrast("AUROC", "pc-confidence", minus: "entropy", role: .control),
      Experiment.Contrast("AUROC", "pc-confidence", minus: "same-pixel", role: .control),
      Experiment.Contrast("AUROC", "pc-confidence", minus: "warped-pixel", role: .control),
      Experiment.Contrast("AUROC", "pc-calibrated", minus: "confidence", role: .control),
      Experiment.Contrast("TC", "regulariser-on", minus: "regulariser-off", role: .claim),
      Experiment.Contrast("mIoU", "regulariser-on", minus: "regulariser-off", role: .control),
      Experiment.Contrast("TC", "regulariser-on", minus: "regulariser-same", role: .control),
      Experiment.Contrast("TC", "regulariser-on", minus: "regulariser-flow", role: .control),
    ])

  /// 192×384 in the quick preset, 256×512 in full.
  public func size(_ preset: Experiment.Preset) -> Pair { .experiment(preset) }

  /// 1,200 steps and 150 pairs of frames in the quick preset, 8,000 and 600 in full.
  public func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe {
    var recipe = Recipe.experiment(preset)
    recipe.pairs.count = preset == .quick ? 150 : 600
    recipe.steps = preset == .quick ? 1200 : 8000
    return arm.recipe(over: recipe, ownKeys: ["part"])
  }

  /// Runs one arm; the arms of measure and correctness are computed together. Throws a `ReproductionError` for other data
  /// than streets: exact flow is known of made-up clips alone.
  public func run(
    _ arm: Experiment.Arm, seed: UInt64, setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void
  ) throws -> RunResult {
    guard let streets = setup.data.streets else {
      throw ReproductionError(
        "perceptual-consistency: expected --data streets: exact flow is known of made-up clips alone")
    }
    let recipe = recipe(arm, seed: seed, setup), size = size(setup.preset)
    let clips = streets("test", size)
    if arm.settings["part"]?.text == "regulariser" {
      let training = try GradedTraining(
        recipe, setup, pairs: recipe.loss.consistency > 0 ? streets("train", size) : nil, report)
      var result = training.result
      let regularised = RegulariserScores(
        training.networks.last!, clips, count: setup.cut(12), frames: setup.cut(12)
      ) { report("clips", $0, $1) }
      result.metrics += regularised.metrics
      result.images = regularised.rows
      return result
    }
    return try JointRuns("perceptual-consistency 1", seed: seed, setup: setup).result(of: arm.name) {
      let training = try GradedTraining(recipe, setup, pairs: nil, report)
      let features = try FeatureNetwork.bundled()
      let measured = MeasureStudy(
        training.networks, clips, features, count: setup.cut(12), frames: setup.cut(8), seed: seed
      ) { report("measures", $0, $1) }
      let foretold = CorrectnessStudy(
        training.networks.last!, clips, features, count: setup.cut(20), seed: seed
      ) { report("correctness", $0, $1) }
      var results: [String: RunResult] = [:]
      for (name, metrics) in measured.metrics.merging(foretold.metrics, uniquingKeysWith: { $1 }) {
        var result = training.result
        result.metrics = metrics
        result.seconds /= Double(Self.measures.count + Self.predictors.count)
        result.notes.append(contentsOf: Self.measures.contains(name) ? measured.notes : foretold.notes)
        results[name] = result
      }
      return results
    }
  }
}

/// A training that leaves networks of graded quality: eight moments of one run, the last its end.
struct GradedTraining {
  /// From the worst to the best, in evaluation.
  let networks: [FFNet]
  /// What a run's result says of it.
  let result: RunResult

  /// When networks are kept, in 32nds of the run.
  private static let moments = [1, 2, 4, 8, 12, 16, 24, 32]

  init(
    _ recipe: Recipe, _ setup: RunSetup, pairs streets: StreetScenes?,
    _ report: @escaping (String, Int, Int) -> Void
  ) throws {
    let fold = setup.data.folds[0], classes = fold.train.classes
    let network = try FFNet(experiment: recipe, classes: classes.count, setup)
    let ignoreIndex = classes.ignoreIndex.map(Int.init), loss = SegmentationLoss(recipe.loss)
    let task: any TrainingTask
    if let streets {
      let pairs = FramePairs(of: streets, recipe.pairs, features: try .bundled(), seed: recipe.seed)
      task = ConsistencyTask(
        network, ignoreIndex: ignoreIndex, loss: loss, pairs: pairs, weight: recipe.loss.consistency,
        seed: recipe.seed)
    } else {
      task = SegmentationTask(network, ignoreIndex: ignoreIndex, loss: loss)
    }
    let loader = BatchLoader(
      fold.train, batchSize: recipe.batch, augmentation: recipe.augmentation, seed: recipe.seed)
    let size = Pair(height: recipe.augment.crop[0], width: recipe.augment.crop[1])
    let card = ModelCard(
      model: recipe.model, classes: classes, normalization: loader.normalization, size: size, recipe: recipe.hash,
      terms: setup.data.terms)
    // Not resumed: the moments before the last checkpoint would be missing.
    let folder = setup.folder.appendingPathComponent("graded-\(UUID().uuidString)")
    var recipe = recipe
    recipe.validateEvery = max(recipe.steps / 32, 1)
    let trainer = try Trainer(task, recipe: recipe, loader: loader, folder: folder, card: card, resume: false)
    var kept: [FFNet] = [], looks = 0
    func keep() {
      let copy = FFNet(network.configuration, seed: nil)
      for (target, source) in zip(copy.parameters, network.parameters) { target.value = source.value.detached() }
      kept.append(copy)
    }
    var checks = Trainer.Checks()
    checks.score = {
      looks += 1
      if GradedTraining.moments.contains(looks) { keep() }
      return ValidationScore(name: "moment", value: Double(looks))
    }
    var result = RunResult()
    try trainer.run(checks: checks) {
      report("training", $0.step, $0.steps)
      result.seconds = $0.seconds
    }
    if looks < GradedTraining.moments.last! || looks > GradedTraining.moments.last! { keep() }
    try? FileManager.default.removeItem(at: folder)
    networks = kept
    result.parameters = network.parameterCount
    result.steps = recipe.steps
    result.inferMilliseconds = inferenceMilliseconds(network, size)
    result.trainGFLOPPerImage = recipe.trainingGFLOP { [network($0)] }
    let test = setup.cut(fold.test)
    var score = SegmentationScore(classes: classes.count, unscored: setup.data.unscored)
    try score.add(network, on: test) { report("scoring", $0, $1) }
    result.metrics = score.metrics.filter { $0.name == "mIoU" }.map { RunResult.Metric($0.name, $0.value) }
    result.notes = [
      String(
        format: "mIoU of the trained network, seed \(recipe.seed): %.1f %%", (result.metrics[0].value ?? .nan) * 100)
    ]
    self.result = result
  }
}

/// A network compiled for frames of one size: labels and probabilities at the frames' own size.
final class FrameSegmenter {
  private let network: FFNet
  private var session: Program.Session?

  init(_ network: FFNet) { self.network = network }

  func logits(_ image: Image) -> Tensor {
    let x = Tensor(image)
    if session?.program.inputShapes[0] != x.shape { session = network.compiled(for: x.shape).makeSession() }
    return session!([x])[0]
  }

  func labels(_ image: Image) -> Labels {
    argmax(logits(image), resizedTo: Pair(height: image.height, width: image.width))
      .reshaped([image.height, image.width])
  }
}

/// The consistency of a trained network on clips: exact TC, agreement, and mIoU of their frames.
struct RegulariserScores {
  let metrics: [RunResult.Metric]
  let rows: [[Double]]

  init(_ network: FFNet, _ streets: StreetScenes, count: Int, frames: Int, _ report: (Int, Int) -> Void) {
    let segmenter = FrameSegmenter(network), classes = streets.classes.count
    rows = (0..<count).map { number in
      let clip = streets.clip(at: number, frames: frames), places = Array(0..<frames)
      let rendered = clip.frames(at: places)
      let flows = concurrentMap(places) { $0 > 0 ? clip.flow(from: $0, to: $0 - 1) : nil }
      var consistency = TemporalConsistency(classes: classes), last: Labels?
      for (frame, flow) in zip(rendered, flows) {
        let labels = segmenter.labels(frame.image)
        if let last, let flow {
          consistency.add(previous: last, current: labels, flow: flow.field, occluded: flow.occluded)
        }
        last = labels
      }
      report(number + 1, count)
      return [consistency.visibleScore, consistency.visibleAgreement].flatMap { $0.map { [$0, 1] } ?? [0, 0] }
    }
    let rows = rows
    metrics = ["TC", "agreement"].enumerated().map { index, name in
      let statistic = ImageStatistic(.ratio, columns: (2 * index)..<(2 * index + 2))
      let sums = rows.reduce([Double](repeating: 0, count: 4)) { zip($0, $1).map(+) }
      return RunResult.Metric(name, statistic(sums), statistic: statistic)
    }
  }
}
