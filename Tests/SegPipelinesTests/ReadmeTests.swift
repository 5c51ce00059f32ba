import Foundation
import SegData
import SegFFNet
import SegFormats
import SegImages
import SegKernels
import SegPipelines
import SegTestSupport
import SegTraining
import XCTest

/// The lines that the README shows, compiled and run.
final class ReadmeTests: XCTestCase {
  func testTenLines() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let url = folder.appendingPathComponent("weights.safetensors"), photo = folder.appendingPathComponent("photo.png")
    try writeFreshWeights(.ffnet40S_dBBB_mobile, to: url)
    try seededPicture(width: 150, height: 101).writePNG(to: photo)
    var random = RandomSource(seed: 1)
    let x = Tensor.normal([1, 3, 64, 64], using: &random)

    let segment = try Segmenter(.ffnet40S_dBBB_mobile, weights: .file(url))
    let result = try segment(Image(contentsOf: photo))  // labels at the photo's size, class names, palette
    let logits = segment.logits(x)  // tensors, if you prefer

    XCTAssertEqual(result.labels.shape, [101, 150])
    XCTAssertEqual(result.classes.names.count, 19)
    XCTAssertEqual(logits.shape, [1, 19, 8, 8])

    let net = FFNet(FFNetConfiguration(name: "ffnet40S_dBBB_mobile")!, seed: 1)
    let optimizer = SGD(learningRate: 0.01)
    let loader = [Batch(images: x, labels: Labels([1, 8, 8], filledWith: 3), names: ["one"])]
    var losses: [Float] = []
    for _ in 0..<3 {
      for batch in loader {
        let (loss, gradients) = valueAndGradient(of: net) {
          crossEntropy($0(batch.images), batch.labels, ignoreIndex: 255)
        }
        optimizer.update(net, with: gradients)
        losses.append(loss.scalar)
      }
    }
    XCTAssertLessThan(losses[2], losses[0])
  }

  /// The kernels that need only the core: a gradient by hand.
  func testCoreAlone() {
    let x = Tensor([1, 1, 2, 2], [1, 2, 3, 4])
    let (_, gradients) = valueAndGradient(at: [x]) { relu($0[0] - 2).sum() }
    XCTAssertEqual(gradients[0].scalars, [0, 0, 1, 1])
  }
}

/// Weights of a seed, as a file of ours.
func writeFreshWeights(_ name: ModelName, to url: URL, classes: Int? = nil) throws {
  let model = try ModelRegistry.build(name, classes: classes, seed: 5)
  let card = ModelCard(
    model: model.name.rawValue, classes: classes.map { ClassTable(count: $0) } ?? .cityscapes, normalization: .imageNet,
    size: [64, 64], recipe: "", terms: "none")
  try writeWeights(WeightArchive(model.network, card: card), to: url)
}

/// A picture of smooth colours.
func seededPicture(width: Int, height: Int) -> Image {
  var pixels: [UInt8] = []
  for y in 0..<height {
    for x in 0..<width { pixels += [UInt8(x * 255 / width), UInt8(y * 255 / height), UInt8((x * 7 + y) % 256)] }
  }
  return Image(width: width, height: height, pixels: pixels)
}
