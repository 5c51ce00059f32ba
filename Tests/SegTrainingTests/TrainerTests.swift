import Foundation
import SegData
import SegFiles
import SegFormats
import SegImages
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

/// Two classes that a small network can tell apart by colour.
private struct Colours: SegmentationDataset {
  let classes = ClassTable(names: ["dark", "bright"])
  let count = 8

  func name(at index: Int) -> String { "sample \(index)" }

  func sample(at index: Int) throws -> SegmentationSample {
    var random = RandomSource(seed: UInt64(index))
    let labels = Labels([24, 24], (0..<576).map { Int32($0 % 24 < 8 + index ? 0 : 1) })
    let pixels: [UInt8] = (0..<(3 * 576)).map { sample in
      UInt8((labels.values[sample / 3] == 0 ? 40 : 200) + Int.random(in: -20...20, using: &random))
    }
    return SegmentationSample(
      image: Image(width: 24, height: 24, pixels: pixels), labels: labels, name: name(at: index))
  }
}

private final class SmallNet: UnaryModule {
  let conv1 = Conv2d(inputChannels: 3, outputChannels: 4, kernel: 3, stride: 2, bias: false)
  let norm = BatchNorm2d(channels: 4)
  let conv2 = Conv2d(inputChannels: 4, outputChannels: 2, kernel: 1, bias: true)
  init() { initialize(.kaimingFanOut, seed: 3) }
  var parts: [Part] { [Part("conv1", conv1), Part("norm", norm), Part("conv2", conv2)] }
  func callAsFunction(_ x: Tensor) -> Tensor { conv2(relu(norm(conv1(x)))) }
}

final class TrainerTests: XCTestCase {
  private func recipe(steps: Int = 20) -> Recipe {
    var recipe = Recipe()
    recipe.name = "test"
    recipe.model = "small"
    recipe.data.kind = "memory"
    recipe.augment.crop = [32, 32]
    recipe.augment.scale = [0.8, 1.5]
    recipe.batch = 4
    recipe.steps = steps
    recipe.checkpointEvery = 5
    recipe.optimization.learningRate = 0.1
    return recipe
  }

  private func trainer(_ net: SmallNet, _ folder: URL, _ recipe: Recipe, resume: Bool = false) throws -> Trainer {
    let loader = BatchLoader(
      Colours(), batchSize: recipe.batch, augmentation: recipe.augmentation, seed: recipe.seed)
    let card = ModelCard(
      model: "small", classes: Colours().classes, normalization: .imageNet, size: [32, 32], recipe: recipe.hash,
      terms: "none")
    return try Trainer(
      SegmentationTask(net, ignoreIndex: 255), recipe: recipe, loader: loader, folder: folder, card: card,
      resume: resume)
  }

  /// Train 20 steps; or train 10 and some, stop, resume: the same bits, and one line a step in the log.
  func testResumedRunMakesTheSameWeights() throws {
    let whole = try Fixtures.temporaryFolder(self), broken = try Fixtures.temporaryFolder(self)
    var losses: [Float] = []
    try trainer(SmallNet(), whole, recipe()).run { losses.append($0.loss) }
    XCTAssertLessThan(losses.last!, 0.5 * losses.first!, "it learns")
    // Seven steps, of which the checkpoint knows five.
    try trainer(SmallNet(), broken, recipe()).run(until: 7) { _ in }
    try trainer(SmallNet(), broken, recipe(), resume: true).run { _ in }
    let a = try Data(contentsOf: whole.appendingPathComponent("weights.safetensors"))
    let b = try Data(contentsOf: broken.appendingPathComponent("weights.safetensors"))
    XCTAssertEqual(a, b)
    let lines = try String(contentsOf: broken.appendingPathComponent("metrics.jsonl"), encoding: .utf8).split(
      separator: "\n")
    XCTAssertEqual(lines.count, 20)
  }

  /// The same with everything on that has a state or a draw of its own.
  func testResumedRunWithAveragesAndGroupsMakesTheSameWeights() throws {
    var recipe = recipe(steps: 12)
    recipe.optimization.kind = .adamw
    recipe.optimization.learningRate = 0.01
    recipe.optimization.average = 0.9
    recipe.optimization.accumulate = 2
    recipe.optimization.clip = 0.5
    recipe.batch = 2
    recipe.augment.brightness = 0.3
    recipe.augment.hue = 0.1
    recipe.augment.blur = 1.5
    let whole = try Fixtures.temporaryFolder(self), broken = try Fixtures.temporaryFolder(self)
    let net = SmallNet()
    try trainer(net, whole, recipe).run { _ in }
    try trainer(SmallNet(), broken, recipe).run(until: 8) { _ in }
    try trainer(SmallNet(), broken, recipe, resume: true).run { _ in }
    let file = whole.appendingPathComponent("weights.safetensors")
    XCTAssertEqual(
      try Data(contentsOf: file), try Data(contentsOf: broken.appendingPathComponent("weights.safetensors")))
    // What is written are the averages, which the network then holds.
    XCTAssertEqual(try readWeights(at: file).tensors["conv2.bias"]?.scalars, net.conv2.bias!.value.scalars)
    let last = try readWeights(at: whole.appendingPathComponent("checkpoint-00000012.safetensors")).tensors
    XCTAssertEqual(last["average.average.conv2.bias"]?.scalars, net.conv2.bias!.value.scalars)
    XCTAssertNotEqual(last["model.conv2.bias"]?.scalars, net.conv2.bias!.value.scalars)
  }

  /// A part whose rate is 0 keeps its bits; the others move.
  func testFrozenPartStays() throws {
    var recipe = recipe(steps: 3)
    recipe.optimization.rates = [.init(part: "conv1", factor: 0)]
    let net = SmallNet()
    let (first, second) = (net.conv1.weight.value.scalars, net.conv2.weight.value.scalars)
    try trainer(net, Fixtures.temporaryFolder(self), recipe).run { _ in }
    XCTAssertEqual(net.conv1.weight.value.scalars, first)
    XCTAssertNotEqual(net.conv2.weight.value.scalars, second)
  }

  /// A checkpoint that was cut off is passed over for the one before.
  func testDamagedCheckpointIsPassedOver() throws {
    let folder = try Fixtures.temporaryFolder(self)
    try trainer(SmallNet(), folder, recipe(steps: 20)).run(until: 10) { _ in }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("checkpoint") }
      .sorted()
    XCTAssertEqual(names, ["checkpoint-00000005.safetensors", "checkpoint-00000010.safetensors"])
    let newest = folder.appendingPathComponent(names[1])
    try Data(contentsOf: newest).prefix(500).write(to: newest)
    var first: Int?
    try trainer(SmallNet(), folder, recipe(steps: 20), resume: true).run { first = first ?? $0.step }
    XCTAssertEqual(first, 6)
  }

  func testFoldersThatDoNotFitAreRefused() throws {
    let folder = try Fixtures.temporaryFolder(self)
    XCTAssertThrowsError(try trainer(SmallNet(), folder, recipe(), resume: true)) {
      XCTAssertTrue("\($0)".contains("found none"), "\($0)")
    }
    try trainer(SmallNet(), folder, recipe()).run(until: 5) { _ in }
    XCTAssertThrowsError(try trainer(SmallNet(), folder, recipe())) {
      XCTAssertTrue("\($0)".contains("holds a run"), "\($0)")
    }
    XCTAssertThrowsError(try trainer(SmallNet(), folder, recipe(steps: 30), resume: true)) {
      XCTAssertTrue("\($0)".contains("another recipe"), "\($0)")
    }
    XCTAssertThrowsError(try trainer(SmallNet(), URL(fileURLWithPath: "/proc/run"), recipe())) {
      XCTAssertTrue($0 is FileError, "\($0)")
    }
  }

  /// A loss that is no number stops the run, names the step and the samples, and leaves the parameters alone.
  func testLossThatIsNoNumberStopsTheRun() throws {
    let net = SmallNet()
    net.conv2.bias!.value = Tensor([2], [.nan, 0])
    let before = net.conv1.weight.value.scalars
    XCTAssertThrowsError(try trainer(net, Fixtures.temporaryFolder(self), recipe()).run { _ in }) { error in
      XCTAssertTrue("\(error)".contains("step 0") && "\(error)".contains("sample"), "\(error)")
    }
    XCTAssertEqual(net.conv1.weight.value.scalars, before)
  }

  /// What weights say of themselves survives the file.
  func testModelCardRoundTrip() throws {
    let card = ModelCard(
      model: "ffnet18_dAAC", classes: .camVid, normalization: .imageNet, size: [360, 480], recipe: "abc", terms: "none")
    XCTAssertEqual(ModelCard(metadata: card.metadata), card)
    XCTAssertNil(ModelCard(metadata: [:]))
    var damaged = card.metadata
    damaged["palette"] = "[[1,2]]"
    XCTAssertNil(ModelCard(metadata: damaged))
  }

  /// The classes' weights by hand: three of four pixels dark in one image, one of four in another.
  func testClassWeights() throws {
    struct Two: SegmentationDataset {
      let classes = ClassTable(names: ["a", "b", "c"])
      let count = 2
      func name(at index: Int) -> String { "" }
      func sample(at index: Int) throws -> SegmentationSample {
        let labels: [Int32] = index == 0 ? [0, 0, 0, 1] : [1, 1, 255, 255]
        return SegmentationSample(image: Image(width: 2, height: 2), labels: Labels([2, 2], labels), name: "")
      }
    }
    // Frequencies: a 3/4 (of image 0's 4 pixels), b 3/6 (of both images' 6); median 5/8.
    let median = try XCTUnwrap(Recipe.Loss.Weights.medianFrequency.weights(for: Two()))
    assertClose(median, Tensor([3], [0.625 / 0.75, 0.625 / 0.5, 1]), tolerance: 1e-6)
    let logarithmic = try XCTUnwrap(Recipe.Loss.Weights.logarithmic.weights(for: Two()))
    assertClose(
      logarithmic, Tensor([3], [Float(1 / log(1.52)), Float(1 / log(1.52)), Float(1 / log(1.02))]), tolerance: 1e-5)
  }
}
