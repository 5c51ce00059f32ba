import Foundation
import SegAuxAdapt
import SegData
import SegFFNet
import SegFormats
import SegImages
import SegInverseForm
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

final class TinySegmenter: UnaryModule {
  private let conv1 = Conv2d(inputChannels: 3, outputChannels: 16, kernel: 3, stride: 2, bias: false)
  private let bn1 = BatchNorm2d(channels: 16)
  private let classifier: Conv2d

  init(classes: Int, seed: UInt64) {
    classifier = Conv2d(inputChannels: 16, outputChannels: classes, kernel: 1, bias: true)
    initialize(.kaimingFanOut, seed: seed)
  }

  var parts: [Part] { [Part("conv1", conv1), Part("bn1", bn1), Part("classifier", classifier)] }

  func callAsFunction(_ x: Tensor) -> Tensor { classifier(relu(bn1(conv1(x)))) }
}

struct SoftsignOperation: TensorOperation {
  let name = "softsign"

  func outputShapes(_ inputs: [Shape]) -> [Shape] { [inputs[0]] }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0]
    if context.isRecording { context.saved = [x] }
    return [Tensor(x.shape, x.scalars.map { $0 / (1 + abs($0)) })]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let x = context.saved[0], slope = (x.abs() + 1).square().reciprocal()
    return [gradients[0].map { $0 * slope }]
  }
}

func softsign(_ x: Tensor) -> Tensor { apply(SoftsignOperation(), to: x) }

/// The Swift lines that the articles show, compiled and run here, line for line.
final class ArticleTests: XCTestCase {
  /// Every line of Swift in the articles stands in this file.
  func testArticlesShowWhatIsCompiledHere() throws {
    let here = URL(fileURLWithPath: #filePath), root = here.deletingLastPathComponent().appendingPathComponent("../..")
    func lines(_ text: some StringProtocol) -> [String] {
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    let compiled = Set(lines(try String(contentsOf: here, encoding: .utf8)))
    for article in ["FromPyTorch", "OwnImages", "Boundaries", "Video", "WritingAnOperation"] {
      let file = root.appendingPathComponent("Documentation/\(article).md")
      let blocks = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "```swift\n").dropFirst()
      XCTAssertFalse(blocks.isEmpty, article)
      for line in blocks.flatMap({ lines($0.components(separatedBy: "```")[0]) }) {
        XCTAssertTrue(compiled.contains(line), "\(article): \(line)")
      }
    }
  }

  func testFromPyTorch() throws {
    var random = RandomSource(seed: 3), losses: [Float] = []
    let images = Tensor.normal([2, 3, 32, 48], using: &random)
    let labels = Labels([2, 32, 48], images.scalars.prefix(2 * 32 * 48).map { $0 > 0 ? 1 : 0 })
    let file = try Fixtures.temporaryFolder(self).appendingPathComponent("tiny.safetensors")

    let net = TinySegmenter(classes: 4, seed: 1)
    let optimizer = AdamW(learningRate: 0.01)
    net.setTraining(true)
    for _ in 0..<20 {
      let (loss, gradients) = valueAndGradient(of: net) {
        crossEntropy(resize($0(images), to: [32, 48]), labels, ignoreIndex: 255)
      }
      optimizer.update(net, with: gradients)
      losses.append(loss.scalar)
    }
    net.setTraining(false)
    try writeWeights(WeightArchive(net.state.map { ($0.name, .float($0.parameter.value)) }), to: file)

    let again = TinySegmenter(classes: 4, seed: 2)
    let report = try again.load(readWeights(at: file).tensors)  // throws where a name or a shape does not fit
    print(report.isExact)

    let program = again.compiled(for: images.shape)
    let session = program.makeSession()
    let logits = session([images])[0]

    XCTAssertLessThan(losses[19], losses[0])
    XCTAssertTrue(report.isExact)
    assertClose(logits, net(images), tolerance: 1e-5)
  }

  func testOwnImages() throws {
    let street = try Fixtures.temporaryFolder(self), files = FileManager.default
    for folder in ["images/train", "labels/train"] {
      try files.createDirectory(at: street.appendingPathComponent(folder), withIntermediateDirectories: true)
    }
    try "road\nsky #4682B4\n".write(to: street.appendingPathComponent("classes.txt"), atomically: true, encoding: .utf8)
    for index in 0..<4 {
      try seededPicture(width: 128, height: 96).writePNG(to: street.appendingPathComponent("images/train/\(index).png"))
      let labels = Labels([96, 128], (0..<96 * 128).map { $0 < 48 * 128 ? 1 : 0 })
      try labels.writeGray8PNG(to: street.appendingPathComponent("labels/train/\(index).png"))
    }
    let optimizer = SGD(learningRate: 0.01)
    var losses: [Float] = []

    let dataset = try FolderDataset(root: street, split: "train")
    let augmentation = Augmentation(scale: 0.75...1.5, crop: [64, 96], flips: true)
    let loader = BatchLoader(dataset, batchSize: 2, augmentation: augmentation, seed: 1)
    let network = FFNet(FFNetConfiguration(name: "ffnet22S_half_BCC", classes: dataset.classes.count)!, seed: 1)
    let task = SegmentationTask(network, ignoreIndex: 255)
    network.setTraining(true)
    for batch in loader.batches(from: 0).prefix(3) {  // images N×3×H×W, labels N×H×W, the same for one seed
      let batch = try batch.get()
      let (loss, gradients) = valueAndGradient(of: network) { _ in task.loss(batch, progress: 0) }
      optimizer.update(network, with: gradients)
      losses.append(loss.scalar)
    }

    XCTAssertEqual(losses.count, 3)
    XCTAssertTrue(losses.allSatisfy(\.isFinite))
  }

  func testWritingAnOperation() {
    let x = Tensor([1, 1, 1, 5], [-3, -0.5, 0.25, 1, 7])

    let (value, gradients) = valueAndGradient(at: [x]) { softsign($0[0]).sum() }
    let program = Program(Graph.capture(inputs: [x.shape]) { [softsign($0[0])] })

    let expected = x.scalars.map { Double($0) / (1 + abs(Double($0))) }
    XCTAssertEqual(Double(value.scalar), expected.reduce(0, +), accuracy: 1e-6)
    for (x, slope) in zip(x.scalars, gradients[0].scalars) {
      XCTAssertEqual(Double(slope), 1 / ((1 + abs(Double(x))) * (1 + abs(Double(x)))), accuracy: 1e-6)
    }
    for (found, expected) in zip(program.makeSession()([x])[0].scalars, expected) {
      XCTAssertEqual(Double(found), expected, accuracy: 1e-6)
    }
  }

  func testBoundaries() throws {
    let file = try Fixtures.temporaryFolder(self).appendingPathComponent("inverse.safetensors")
    try writeWeights(AntisymmetricInverseNetwork(side: 32, seed: 1).archive(), to: file)
    let labels = Labels([1, 96, 96], (0..<96 * 96).map { $0 % 96 < 40 ? 0 : 1 })
    let boundaryLogits = Tensor([1, 1, 96, 96], (0..<96 * 96).map { abs($0 % 96 - 44) < 2 ? 3 : -3 })

    let target = boundaryTarget(of: labels, radius: 2, ignoreIndex: 255)  // N×1×H×W
    let inverse = InverseFormLoss(try readInverseNetwork(at: file))
    let term = inverse(logits: boundaryLogits, target: target)

    XCTAssertEqual(target.sum().scalar, 96 * 4, "two pixels to each side")
    XCTAssertGreaterThan(term.scalar, 0)
  }

  func testVideo() throws {
    let mainNet = TinySegmenter(classes: 3, seed: 1), auxNet = TinySegmenter(classes: 3, seed: 2)
    let frames = (0..<3).map { _ in seededPicture(width: 96, height: 64) }
    var maps: [Labels] = []

    let adapter = AuxAdapter(main: mainNet, auxiliary: auxNet)
    for frame in frames {
      let result = adapter(frame)  // labels at the frame's size; learns from it
      maps.append(result.labels)
    }
    print(adapter.restarts.count)

    XCTAssertEqual(maps.map(\.shape), Array(repeating: [64, 96], count: 3))
    XCTAssertEqual(adapter.updates, 3)
  }
}
