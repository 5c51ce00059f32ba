import Foundation
import SegData
import SegFFNet
import SegFormats
import SegImages
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

/// The Swift lines that the articles show, compiled and run here, line for line.
final class ArticleTests: XCTestCase {
  /// Every line of Swift in the articles stands in this file.
  func testArticlesShowWhatIsCompiledHere() throws {
    let here = URL(fileURLWithPath: #filePath), root = here.deletingLastPathComponent().appendingPathComponent("../..")
    func lines(_ text: some StringProtocol) -> [String] {
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    let compiled = Set(lines(try String(contentsOf: here, encoding: .utf8)))
    for article in ["FromPyTorch", "OwnImages"] {
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
}
