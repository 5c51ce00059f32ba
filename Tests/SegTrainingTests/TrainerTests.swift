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
  let drop: Dropout
  init(dropout: Float = 0) {
    drop = Dropout(rate: dropout, seed: 11)
    initialize(.kaimingFanOut, seed: 3)
  }
  var parts: [Part] { [Part("conv1", conv1), Part("norm", norm), Part("drop", drop), Part("conv2", conv2)] }
  func callAsFunction(_ x: Tensor) -> Tensor { conv2(drop(relu(norm(conv1(x))))) }
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
    XCTAssertEqual(last["average.conv2.bias"]?.scalars, net.conv2.bias!.value.scalars)
    XCTAssertNotEqual(last["model.conv2.bias"]?.scalars, net.conv2.bias!.value.scalars)
  }

  /// Dropout goes on with the masks that it would have drawn.
  func testResumedRunWithDropoutMakesTheSameWeights() throws {
    let whole = try Fixtures.temporaryFolder(self), broken = try Fixtures.temporaryFolder(self)
    let net = SmallNet(dropout: 0.3), dry = SmallNet()
    try trainer(net, whole, recipe(steps: 12)).run { _ in }
    try trainer(SmallNet(dropout: 0.3), broken, recipe(steps: 12)).run(until: 8) { _ in }
    let resumed = SmallNet(dropout: 0.3)
    try trainer(resumed, broken, recipe(steps: 12), resume: true).run { _ in }
    XCTAssertEqual(bits(net.conv1.weight.value), bits(resumed.conv1.weight.value))
    XCTAssertEqual(net.drop.random, resumed.drop.random)
    XCTAssertNotEqual(net.drop.random, dry.drop.random, "masks were drawn")
  }

  /// Killed while it wrote a checkpoint: whatever part of it is there, complete under its name or not, the run goes on
  /// from the one before, makes the same weights, and leaves no fragment behind.
  func testKilledAnywhereInACheckpoint() throws {
    let whole = try Fixtures.temporaryFolder(self)
    try trainer(SmallNet(), whole, recipe(steps: 10)).run { _ in }
    let expected = try Data(contentsOf: whole.appendingPathComponent("weights.safetensors"))
    let newest = "checkpoint-00000010.safetensors"
    let checkpoint = try Data(contentsOf: whole.appendingPathComponent(newest))
    let lengths = [0, 1, 7, 8, 9, 100] + stride(from: 200, to: checkpoint.count, by: checkpoint.count / 8)
    for length in lengths + [checkpoint.count - 1] {
      for name in [newest, ".segkernels-5a17c0de.tmp"] {
        let folder = try Fixtures.temporaryFolder(self)
        try trainer(SmallNet(), folder, recipe(steps: 10)).run(until: 7) { _ in }
        try checkpoint.prefix(length).write(to: folder.appendingPathComponent(name))
        var first: Int?
        try trainer(SmallNet(), folder, recipe(steps: 10), resume: true).run { first = first ?? $0.step }
        XCTAssertEqual(first, 6, "\(length) bytes of \(name)")
        XCTAssertEqual(
          try Data(contentsOf: folder.appendingPathComponent("weights.safetensors")), expected,
          "\(length) bytes of \(name)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        XCTAssertFalse(names.contains { $0.hasSuffix(".tmp") }, "\(names)")
      }
    }
  }

  /// Killed behind a checkpoint, before the oldest was removed: the resumed run keeps the last two that can be read,
  /// also where nothing is left to train.
  func testKilledBeforeTheOldestCheckpointWasRemoved() throws {
    let folder = try Fixtures.temporaryFolder(self)
    var settings = recipe(steps: 10)
    settings.checkpointEvery = 3
    func checkpoints() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("checkpoint-") }.sorted()
    }
    func add(_ name: String, _ data: Data) throws { try data.write(to: folder.appendingPathComponent(name)) }
    try trainer(SmallNet(), folder, settings).run(until: 7) { _ in }
    let older = try Data(contentsOf: folder.appendingPathComponent("checkpoint-00000003.safetensors"))
    try trainer(SmallNet(), folder, settings, resume: true).run { _ in }
    let lastTwo = ["checkpoint-00000009.safetensors", "checkpoint-00000010.safetensors"]
    XCTAssertEqual(try checkpoints(), lastTwo)
    try add("checkpoint-00000003.safetensors", older)
    try trainer(SmallNet(), folder, settings, resume: true).run { _ in }
    XCTAssertEqual(try checkpoints(), lastTwo)
    // With the newest cut off, the two before it are the last that can be read.
    try add("checkpoint-00000003.safetensors", older)
    try add("checkpoint-00000010.safetensors", Data(older.prefix(100)))
    _ = try trainer(SmallNet(), folder, settings, resume: true)
    XCTAssertEqual(try checkpoints(), ["checkpoint-00000003.safetensors"] + lastTwo)
  }

  /// The best of the scores is kept with its step, the averages are what is scored, and looking changes nothing.
  func testScoresAndBestWeights() throws {
    var recipe = recipe(steps: 12)
    recipe.optimization.average = 0.9
    let plain = try Fixtures.temporaryFolder(self), folder = try Fixtures.temporaryFolder(self)
    try trainer(SmallNet(), plain, recipe).run { _ in }
    let plainHash = recipe.hash
    recipe.validateEvery = 3
    recipe.samplesEvery = 4
    XCTAssertNotEqual(recipe.hash, plainHash)
    let values = [0.3, 0.5, 0.4, 0.45]
    func run(_ folder: URL, until last: Int?, resume: Bool) throws -> [[Float]] {
      let net = SmallNet()
      var seen: [[Float]] = [], pictures = 0
      let trainer = try trainer(net, folder, recipe, resume: resume)
      var checks = Trainer.Checks()
      var step = 0
      checks.score = {
        seen.append(net.conv2.bias!.value.scalars)
        return ValidationScore(name: "meanIoU", value: values[(step - 1) / 3])
      }
      checks.samples = {
        pictures += 1
        return [Image(width: 5, height: 4)]
      }
      try trainer.run(until: last, checks: checks) { step = $0.step }
      return seen
    }
    let seen = try run(folder, until: nil, resume: false)
    XCTAssertEqual(seen.count, 4)
    let archive = try readWeights(at: folder.appendingPathComponent("best-meanIoU.safetensors"))
    XCTAssertEqual(archive.metadata["step"], "6")
    XCTAssertEqual(archive.metadata["meanIoU"], "0.5")
    XCTAssertEqual(archive.metadata["model"], "small")
    XCTAssertEqual(archive.tensors["conv2.bias"]?.scalars, seen[1])
    XCTAssertEqual(
      try readWeights(at: folder.appendingPathComponent("weights.safetensors")).tensors["conv2.bias"]?.scalars, seen[3])
    // The same parameters as a run that never looked; the notes differ by the recipe's hash.
    func parameters(_ folder: URL) throws -> [[UInt32]] {
      try readWeights(at: folder.appendingPathComponent("weights.safetensors")).entries.map { bits($0.array.tensor) }
    }
    XCTAssertEqual(try parameters(folder), try parameters(plain))

    // Stopped after the best score, whose checkpoint is missing, and resumed.
    let broken = try Fixtures.temporaryFolder(self)
    _ = try run(broken, until: 8, resume: false)
    XCTAssertEqual(try run(broken, until: nil, resume: true), Array(seen[1...]))
    XCTAssertEqual(
      try Data(contentsOf: broken.appendingPathComponent("best-meanIoU.safetensors")),
      try Data(contentsOf: folder.appendingPathComponent("best-meanIoU.safetensors")))
    func lines(_ folder: URL) throws -> [[String: Double]] {
      try String(contentsOf: folder.appendingPathComponent("metrics.jsonl"), encoding: .utf8).split(separator: "\n").map
      {
        var object = try XCTUnwrap(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        object["seconds"] = nil
        if let scores = object.removeValue(forKey: "scores") as? [String: Any] { object.merge(scores) { $1 } }
        return object.compactMapValues { $0 as? Double }
      }
    }
    XCTAssertEqual(try lines(broken), try lines(folder))
    XCTAssertEqual(try lines(folder).compactMap { $0["meanIoU"] }, values)
    func events(_ folder: URL) throws -> Int {
      TFRecord.contents(
        of: [UInt8](try Data(contentsOf: folder.appendingPathComponent("events.out.tfevents.segkernels")))
      )
      .count
    }
    XCTAssertEqual(try events(folder), 1 + 12 + 4 + 3)
    XCTAssertEqual(try events(broken), try events(folder))
    let svg = try String(contentsOf: broken.appendingPathComponent("curves.svg"), encoding: .utf8)
    XCTAssertNotNil(try XMLDocumentProbe.parse(svg), svg)
    for word in ["loss", "learning rate", "meanIoU"] { XCTAssertTrue(svg.contains(">\(word)</text>"), svg) }
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
      XCTAssertTrue("\(error)".contains("no checkpoint yet"), "\(error)")
    }
    XCTAssertEqual(net.conv1.weight.value.scalars, before)
  }

  /// The message names the step, every file of the batch and the last good checkpoint. Weights that are no numbers never
  /// reach a checkpoint, even if the loss was one.
  func testNumbersThatAreNoneAreReportedInFull() throws {
    let folder = try Fixtures.temporaryFolder(self), net = SmallNet()
    let trainer = try trainer(net, folder, recipe())
    XCTAssertThrowsError(
      try trainer.run { if $0.step == 7 { net.conv2.bias!.value = Tensor([2], [.infinity, 0]) } }
    ) { error in
      XCTAssertEqual((error as? TrainingError)?.samples.count, 4)
      for word in ["step 7", "loss is nan", "sample", "checkpoint-00000005.safetensors"] {
        XCTAssertTrue("\(error)".contains(word), "\(error)")
      }
    }
    let other = SmallNet(), second = try self.trainer(other, Fixtures.temporaryFolder(self), recipe())
    XCTAssertThrowsError(
      try second.run { if $0.step == 5 { other.norm.runningMean.value = Tensor([4], filledWith: .nan) } }
    ) { error in
      XCTAssertTrue("\(error)".contains("running_mean") && "\(error)".contains("step 4"), "\(error)")
    }
  }

  /// What weights say of themselves survives the file.
  func testModelCardRoundTrip() throws {
    let card = ModelCard(
      model: "ffnet18_dAAC", classes: .camVid, normalization: .imageNet, size: [360, 480], recipe: "abc", terms: "none")
    XCTAssertEqual(ModelCard(metadata: card.metadata), card)
    var anywhere = card
    anywhere.queries = .points
    XCTAssertEqual(ModelCard(metadata: anywhere.metadata), anywhere)
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

/// Whether a text is well-formed XML.
private enum XMLDocumentProbe {
  static func parse(_ text: String) throws -> Bool? {
    // Every tag that opens is closed, in order.
    var open: [Substring] = []
    for match in text.matches(of: #/<(/?)([a-z]+)[^<>]*?(/?)>/#) {
      if !match.1.isEmpty {
        guard open.popLast() == match.2 else { return nil }
      } else if match.3.isEmpty {
        open.append(match.2)
      }
    }
    return open.isEmpty && text.hasPrefix("<svg ") ? true : nil
  }
}
