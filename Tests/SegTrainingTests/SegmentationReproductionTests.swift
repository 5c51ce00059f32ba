import Foundation
import SegData
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import SegTraining
import XCTest

/// Two halves, dark and bright, with a border that moves from image to image; a third class in image 0 alone.
private struct Halves: SegmentationDataset {
  let classes = ClassTable(names: ["dark", "bright", "rare"])
  let count = 12
  func name(at index: Int) -> String { "halves-\(index)" }
  func sample(at index: Int) -> SegmentationSample {
    var random = RandomSource(seed: UInt64(index))
    let labels = Labels([32, 32], (0..<1024).map { $0 % 32 < 8 + index ? 0 : index == 0 && $0 < 64 ? 2 : 1 })
    let pixels: [UInt8] = (0..<(3 * 1024)).map { sample in
      UInt8((labels.values[sample / 3] == 0 ? 60 : 190) + Int.random(in: -50...50, using: &random))
    }
    return SegmentationSample(
      image: Image(width: 32, height: 32, pixels: pixels), labels: labels, name: name(at: index))
  }
}

/// An encoder and a head, and perhaps a second head that stands before them in the list of parts.
private final class Net: UnaryModule {
  let extra: Conv2d?
  let encoder = Conv2d(inputChannels: 3, outputChannels: 4, kernel: 3, stride: 2, bias: false)
  let norm = BatchNorm2d(channels: 4)
  let head = Conv2d(inputChannels: 4, outputChannels: 3, kernel: 1, bias: true)

  init(hasExtra: Bool, seed: UInt64) {
    extra = hasExtra ? Conv2d(inputChannels: 4, outputChannels: 1, kernel: 3, bias: true) : nil
    initialize(.kaimingFanOut, seed: seed)
  }

  var parts: [Part] {
    [Part("extra", extra), Part("encoder", encoder), Part("norm", norm), Part("head", head)]
  }

  func features(_ x: Tensor) -> Tensor { norm(encoder(x), rectified: true) }
  func callAsFunction(_ x: Tensor) -> Tensor { head(features(x)) }
}

private final class Task: TrainingTask {
  let net: Net
  var network: any Module { net }
  init(_ net: Net) { self.net = net }

  /// Cross entropy, and the extra head's outputs with weight 0.
  func loss(_ batch: Batch, progress: Float) -> Tensor {
    let features = net.features(batch.images)
    let size = Pair(height: batch.labels.shape[1], width: batch.labels.shape[2])
    let loss = crossEntropy(resize(net.head(features), to: size), batch.labels, ignoreIndex: 255)
    guard let extra = net.extra else { return loss }
    return loss + extra(features).mean() * 0
  }
}

private struct Stopped: Error {}

private struct Pairing: SegmentationReproduction {
  let experiment = Experiment(
    paper: "pairing", arms: [Experiment.Arm("plain"), Experiment.Arm("extra", ["hasExtra": true])],
    contrasts: [Experiment.Contrast("mIoU", "extra", minus: "plain", role: .claim)])
  /// Breaks off when scoring begins.
  var stops = false

  func size(_ preset: Experiment.Preset) -> Pair { [32, 32] }

  func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe {
    var recipe = Recipe.experiment(preset)
    recipe.augment.crop = [32, 32]
    recipe.batch = 2
    recipe.steps = 12
    recipe.checkpointEvery = 5
    recipe.optimization.learningRate = 0.02
    recipe.optimization.warmup = 0
    return arm.recipe(over: recipe, ownKeys: ["hasExtra"])
  }

  func build(_ arm: Experiment.Arm, _ recipe: Recipe, _ classes: ClassTable, _ setup: RunSetup) -> SegmentationArm {
    let net = Net(hasExtra: arm.settings["hasExtra"]?.flag ?? false, seed: recipe.seed)
    return SegmentationArm(
      task: Task(net), predictor: net,
      trained: { x in
        let features = net.features(x)
        return [net.head(features)] + (net.extra.map { [$0(features)] } ?? [])
      })
  }

  func metricsAfter(_ network: SegmentationArm, _ fold: ExperimentData.Fold, _ setup: RunSetup) throws
    -> [RunResult.Metric]
  {
    if stops { throw Stopped() }
    return [RunResult.Metric("test images", Double(fold.test.count))]
  }
}

final class SegmentationReproductionTests: XCTestCase {
  private func setup(_ folder: URL, _ data: ExperimentData) -> RunSetup {
    RunSetup(preset: .quick, data: data, folder: folder)
  }

  private var whole: ExperimentData { ExperimentData("halves", folds: [.init(train: Halves(), test: Halves())]) }

  /// A head that one arm has and another lacks moves nothing in what they share: not the initial values, not the order,
  /// not the augmentation, and so no score, to the bit.
  func testExtraHeadShiftsNothing() throws {
    let plain = Net(hasExtra: false, seed: 5), extra = Net(hasExtra: true, seed: 5)
    let values = Dictionary(uniqueKeysWithValues: extra.state.map { ($0.name, $0.parameter.value) })
    for (name, parameter) in plain.state {
      XCTAssertEqual(bits(parameter.value), bits(try XCTUnwrap(values[name])), name)
    }
    XCTAssertNotEqual(bits(plain.encoder.weight.value), bits(Net(hasExtra: false, seed: 6).encoder.weight.value))

    let folder = try Fixtures.temporaryFolder(self)
    let report = try ExperimentRunner(Pairing(), setup(folder, whole)).run(seeds: 2) { _, _, _, _ in }
    let contrast = report.answer.contrasts[0]
    XCTAssertEqual(contrast.differences, [0, 0])
    XCTAssertEqual(contrast.verdict, .inconclusive)
    let metrics = report.answer.arms[0].metrics
    XCTAssertEqual(
      metrics.map(\.name),
      [
        "mIoU", "boundaryF@1px", "boundaryF@2px", "boundaryF@3px", "trimapIoU@1px", "trimapIoU@2px", "trimapIoU@3px",
        "test images",
      ])
    XCTAssertNotEqual(metrics[0].values[0], metrics[0].values[1], "seeds differ")
    // 3·4·9 and 4·3 multiply-adds for each of 16² positions; the extra head adds 4·9.
    let pixels = 256.0, counted = report.answer.arms.map(\.train_gflop_per_image)
    XCTAssertEqual(counted[1] - counted[0], 3 * 2 * pixels * 36 / 1e9, accuracy: 3 * 2 * pixels / 1e9, "with its bias")
    XCTAssertGreaterThanOrEqual(counted[0], 3 * 2 * pixels * (108 + 12) / 1e9)
    XCTAssertEqual(report.answer.arms.map(\.parameters), [108 + 8 + 15, 108 + 8 + 15 + 37])
  }

  /// The order of samples and what is drawn for each follow from (seed, epoch, sample): another batch size sees the
  /// same crops of the same images.
  func testAugmentationFollowsFromSeedEpochAndSample() throws {
    let augmentation = Augmentation(scale: 0.5...2, crop: [32, 32])
    func loader(_ batch: Int, seed: UInt64) -> BatchLoader {
      BatchLoader(Halves(), batchSize: batch, augmentation: augmentation, seed: seed)
    }
    let small = loader(2, seed: 4), large = loader(4, seed: 4)
    for epoch in 0..<2 {
      for step in 0..<3 {
        let batch = try large.batch(at: epoch * 3 + step)
        let halves = try (0..<2).map { try small.batch(at: epoch * 6 + 2 * step + $0) }
        XCTAssertEqual(batch.names, halves.flatMap(\.names), "epoch \(epoch), step \(step)")
        XCTAssertEqual(bits(batch.images), halves.flatMap { bits($0.images) }, "epoch \(epoch), step \(step)")
      }
    }
    XCTAssertNotEqual(try loader(2, seed: 5).batch(at: 0).names, try small.batch(at: 0).names)
  }

  /// Broken off after training, the run goes on from its checkpoint and scores what an unbroken one scores.
  func testBrokenRunGoesOn() throws {
    let broken = try Fixtures.temporaryFolder(self), unbroken = try Fixtures.temporaryFolder(self)
    var paper = Pairing(), steps: [Int] = []
    paper.stops = true
    XCTAssertThrowsError(
      try ExperimentRunner(paper, setup(broken, whole)).run(arms: ["plain"], seeds: 1) { _, _, _, _ in })
    paper.stops = false
    let resumed = try ExperimentRunner(paper, setup(broken, whole)).run(arms: ["plain"], seeds: 1) {
      _, phase, step, _ in
      if phase == "training" { steps.append(step) }
    }
    XCTAssertEqual(steps, [], "all twelve steps were done")
    let direct = try ExperimentRunner(paper, setup(unbroken, whole)).run(arms: ["plain"], seeds: 1) { _, _, _, _ in }
    XCTAssertEqual(resumed.answer.arms[0].metrics.map(\.values), direct.answer.arms[0].metrics.map(\.values))
    let left = try FileManager.default.contentsOfDirectory(atPath: broken.appendingPathComponent("training").path)
    XCTAssertEqual(left, [], "checkpoints of finished runs go")
  }

  /// Every image is tested once, by a network that has not learnt from it; rare classes are left out, and it is said.
  func testCrossValidation() throws {
    let data = try ExperimentData.crossValidation("halves", of: Halves(), folds: 4, steps: 3, leastImages: 2)
    let tests = data.folds.map { fold in (0..<fold.test.count).map { fold.test.name(at: $0) } }
    XCTAssertEqual(tests.flatMap { $0 }, (0..<12).map { "halves-\($0)" })
    for (fold, test) in zip(data.folds, tests) {
      XCTAssertEqual(fold.train.count, 9)
      XCTAssertTrue(Set(test).isDisjoint(with: (0..<9).map { fold.train.name(at: $0) }))
    }
    XCTAssertEqual(data.unscored, [2])
    XCTAssertTrue(data.notes.contains { $0.contains("rare (1)") }, "\(data.notes)")

    let folder = try Fixtures.temporaryFolder(self)
    let report = try ExperimentRunner(Pairing(), setup(folder, data)).run(seeds: 1) { _, _, _, _ in }
    XCTAssertEqual(report.answer.steps, 3)
    XCTAssertEqual(report.answer.arms[0].metrics.last?.mean, 3)
    XCTAssertEqual(report.bootstraps[0].bootstrap.images, 12)
    XCTAssertEqual(report.notes, data.notes)
  }

  /// Counted by hand: of eight pixels, class 0 has 3 hits of 4 true and 4 predicted, class 1 has 2 of 3 and 3; the
  /// pixel of class 2 does not count if that class is not scored, and a prediction of it is a miss.
  func testScoreByHand() throws {
    let truth = Labels([2, 4], [0, 0, 0, 0, 1, 1, 1, 2]), prediction = Labels([2, 4], [0, 0, 0, 1, 1, 1, 2, 0])
    var all = SegmentationScore(classes: 3)
    all.add(prediction: prediction, truth: truth, ignoreIndex: 255)
    XCTAssertEqual(try XCTUnwrap(all.metrics[0].value), (3.0 / 5 + 2.0 / 4 + 0) / 3, accuracy: 1e-12)
    var some = SegmentationScore(classes: 3, unscored: [2])
    some.add(prediction: prediction, truth: truth, ignoreIndex: 255)
    XCTAssertEqual(try XCTUnwrap(some.metrics[0].value), (3.0 / 4 + 2.0 / 4) / 2, accuracy: 1e-12)
    // A statistic of one image's row is the score of that image alone.
    for metric in all.metrics { XCTAssertEqual(metric.statistic?(all.images[0]), metric.value, metric.name) }
  }
}
