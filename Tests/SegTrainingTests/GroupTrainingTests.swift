import Foundation
import SegData
import SegDistributed
import SegFormats
import SegImages
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

/// Three classes by colour, and many pixels of none: more in some images than in others.
private struct Patches: SegmentationDataset {
  let classes = ClassTable(names: ["dark", "grey", "bright"])
  let count = 12

  func name(at index: Int) -> String { "patch \(index)" }

  func sample(at index: Int) throws -> SegmentationSample {
    var random = RandomSource(seed: UInt64(index))
    let labels = (0..<900).map { pixel -> Int32 in
      if pixel % 30 > 28 - 2 * index { return 255 }
      return Int32((pixel / 30 / 7 + pixel % 30 / 9 + index) % 3)
    }
    let pixels: [UInt8] = (0..<2700).map {
      UInt8([40, 120, 210, 90][min(Int(labels[$0 / 3]), 3)] + Int.random(in: -30...30, using: &random))
    }
    return SegmentationSample(
      image: Image(width: 30, height: 30, pixels: pixels), labels: Labels([30, 30], labels), name: name(at: index))
  }
}

private final class Net: UnaryModule {
  let conv1 = Conv2d(inputChannels: 3, outputChannels: 8, kernel: 3, stride: 2, bias: false)
  let norm = BatchNorm2d(channels: 8)
  let drop = Dropout(rate: 0.2, seed: 4)
  let conv2 = Conv2d(inputChannels: 8, outputChannels: 3, kernel: 1, bias: true)
  init() { initialize(.kaimingFanOut, seed: 3) }
  var parts: [Part] { [Part("conv1", conv1), Part("norm", norm), Part("drop", drop), Part("conv2", conv2)] }
  func callAsFunction(_ x: Tensor) -> Tensor { conv2(drop(relu(norm(conv1(x))))) }
}

/// Two processes make what one makes of the same batches, to rounding; for every loss that recipes have.
final class GroupTrainingTests: XCTestCase {
  private func recipe(_ change: (inout Recipe) -> Void = { _ in }) -> Recipe {
    var recipe = Recipe()
    recipe.name = "test"
    recipe.model = "small"
    recipe.data.kind = "memory"
    recipe.augment.crop = [32, 32]
    recipe.augment.scale = [0.8, 1.5]
    recipe.batch = 4
    recipe.steps = 8
    recipe.checkpointEvery = 3
    recipe.optimization.learningRate = 0.05
    change(&recipe)
    return recipe
  }

  /// Trains and returns the losses; the folder then holds the weights.
  @discardableResult
  private func train(
    _ recipe: Recipe, _ folder: URL, _ group: (any ProcessGroup)? = nil, until last: Int? = nil, resume: Bool = false,
    checks: Trainer.Checks = .init()
  ) throws -> [Float] {
    let loader = BatchLoader(
      Patches(), batchSize: recipe.batch, augmentation: recipe.augmentation, seed: recipe.seed, group: group)
    let card = ModelCard(
      model: "small", classes: Patches().classes, normalization: .imageNet, size: [32, 32], recipe: recipe.hash,
      terms: "none")
    let task = SegmentationTask(Net(), ignoreIndex: 255, loss: SegmentationLoss(recipe.loss, group: group))
    var losses: [Float] = []
    try Trainer(task, recipe: recipe, loader: loader, folder: folder, card: card, resume: resume)
      .run(until: last, checks: checks) { losses.append($0.loss) }
    return losses
  }

  private func weights(_ folder: URL) throws -> [String: Tensor] {
    try readWeights(at: folder.appendingPathComponent("weights.safetensors")).tensors
  }

  private func assertSame(_ recipe: Recipe, _ name: String) throws {
    let one = try Fixtures.temporaryFolder(self), two = try Fixtures.temporaryFolder(self)
    let expected = try train(recipe, one), losses = try ThreadGroup.run(2) { try self.train(recipe, two, $0) }
    XCTAssertEqual(losses[0].map(\.bitPattern), losses[1].map(\.bitPattern), name)
    XCTAssertEqual(losses[0].count, expected.count)
    for (found, loss) in zip(losses[0], expected) { XCTAssertEqual(found, loss, accuracy: 2e-5 * abs(loss), name) }
    let found = try weights(two)
    for (key, tensor) in try weights(one) { assertClose(found[key]!, tensor, tolerance: 1e-4, "\(name): \(key)") }
  }

  func testCrossEntropies() throws {
    try assertSame(recipe(), "plain")
    try assertSame(recipe { ($0.loss.labelSmoothing, $0.loss.classWeights) = (0.1, .batch) }, "smoothed, batch weights")
    try assertSame(
      recipe {
        ($0.loss.focusing, $0.loss.classWeights, $0.loss.classWeightList) = (2, .list, [1, 3, 0.5])
        ($0.loss.crossEntropy, $0.loss.weightedShare) = (0.7, 0.5)
      }, "focal, listed weights for half of the run")
  }

  func testLossesOfWholeBatches() throws {
    try assertSame(recipe { ($0.loss.hardThreshold, $0.loss.hardShare) = (0.4, 0.2) }, "hard examples")
    try assertSame(recipe { ($0.loss.dice, $0.loss.lovasz) = (1, 0.5) }, "Dice and Lovász")
    try assertSame(recipe { $0.loss.regionMutualInformation = 0.5 }, "region mutual information")
    try assertSame(recipe { ($0.loss.crossEntropy, $0.loss.lovasz) = (0, 1) }, "Lovász alone")
  }

  func testOptimization() throws {
    try assertSame(
      recipe {
        $0.optimization.kind = .adamw
        $0.optimization.learningRate = 0.01
        ($0.optimization.average, $0.optimization.accumulate, $0.optimization.clip) = (0.9, 2, 0.5)
      }, "averages, accumulated batches, clipping")
  }

  /// Stopped and resumed, two processes make the bits that they would have made; and one process can take over.
  func testResume() throws {
    let recipe = recipe { $0.optimization.average = 0.9 }
    let whole = try Fixtures.temporaryFolder(self), broken = try Fixtures.temporaryFolder(self)
    _ = try ThreadGroup.run(2) { try self.train(recipe, whole, $0) }
    _ = try ThreadGroup.run(2) { try self.train(recipe, broken, $0, until: 5) }
    let alone = try Fixtures.temporaryFolder(self)
    try FileManager.default.removeItem(at: alone)
    try FileManager.default.copyItem(at: broken, to: alone)
    _ = try ThreadGroup.run(2) { try self.train(recipe, broken, $0, resume: true) }
    let name = "weights.safetensors"
    XCTAssertEqual(
      try Data(contentsOf: broken.appendingPathComponent(name)),
      try Data(contentsOf: whole.appendingPathComponent(name)))
    try train(recipe, alone, resume: true)
    let found = try weights(alone)
    for (key, tensor) in try weights(whole) { assertClose(found[key]!, tensor, tolerance: 1e-4, key) }
  }

  /// The first process alone writes and looks; a line a step, not two.
  func testFirstProcessWrites() throws {
    let folder = try Fixtures.temporaryFolder(self), recipe = recipe { $0.validateEvery = 4 }
    let scores = try ThreadGroup.run(2) { group -> Int in
      var scores = 0
      var checks = Trainer.Checks()
      checks.score = {
        scores += 1
        return ValidationScore(name: "meanIoU", value: 0.5)
      }
      try self.train(recipe, folder, group, checks: checks)
      return scores
    }
    XCTAssertEqual(scores, [2, 0])
    let log = try String(contentsOf: folder.appendingPathComponent("metrics.jsonl"), encoding: .utf8)
    XCTAssertEqual(log.split(separator: "\n").count, 8 + 2)
  }

  /// Weights that differ between processes stop the run at its next checkpoint.
  func testProcessesThatDriftApart() throws {
    let folder = try Fixtures.temporaryFolder(self), recipe = recipe { $0.steps = 3 }
    XCTAssertThrowsError(
      try ThreadGroup.run(2) { group in
        let loader = BatchLoader(
          Patches(), batchSize: 4, augmentation: recipe.augmentation, seed: recipe.seed, group: group)
        let card = ModelCard(
          model: "small", classes: Patches().classes, normalization: .imageNet, size: [32, 32], recipe: "", terms: "")
        let net = Net()
        if group.rank == 1 { net.conv2.bias!.value = Tensor([3], [0, 0, 1e-3]) }
        let task = SegmentationTask(net, ignoreIndex: 255, loss: SegmentationLoss(group: group))
        try Trainer(task, recipe: recipe, loader: loader, folder: folder, card: card, resume: false).run { _ in }
      }
    ) { XCTAssertTrue("\($0)".contains("the processes' weights differ"), "\($0)") }
  }
}
