import SegData
import SegFFNet
import SegImages
import SegKernels
import SegPipelines
import SegPretrained
import SegTestSupport
import SegTraining
import XCTest

/// The same bits from run to run, and for any number of threads: of whole networks, beyond what single operations promise.
final class DeterminismTests: XCTestCase {
  /// Labels and logits of a photograph by 1 to 4 threads, twice each.
  func testInference() throws {
    let segment = try Segmenter(weights: .bundled(.streets)), photo = seededPicture(width: 333, height: 190)
    let expected = Threads.with(1) { segment(photo).logits.scalars.map(\.bitPattern) }
    for threads in [1, 2, 3, 4, 4] {
      XCTAssertEqual(
        Threads.with(threads) { segment(photo).logits.scalars.map(\.bitPattern) }, expected, "\(threads) threads")
    }
  }

  /// Every weight and every running statistic after three steps on pictures from a loader.
  func testTraining() throws {
    func trained() throws -> [[UInt32]] {
      let network = FFNet(try XCTUnwrap(FFNetConfiguration(name: "ffnet22S_half_BCC")), seed: 1)
      let task = SegmentationTask(network, ignoreIndex: 255), optimizer = AdamW(learningRate: 0.001)
      let loader = BatchLoader(
        Pictures(), batchSize: 2,
        augmentation: Augmentation(crop: [64, 96], color: ColorJitter(brightness: 0.2, hue: 0.1), blur: 1), seed: 3)
      network.setTraining(true)
      for batch in loader.batches(from: 0).prefix(3) {
        let batch = try batch.get()
        let (_, gradients) = valueAndGradient(of: network) { _ in task.loss(batch, progress: 0) }
        optimizer.update(network, with: gradients)
      }
      return network.state.map { $0.parameter.value.scalars.map(\.bitPattern) }
    }
    let expected = try Threads.with(1) { try trained() }
    XCTAssertGreaterThan(expected.count, 100)
    for threads in [1, 2, 3, 4, 4] {
      XCTAssertTrue(try Threads.with(threads) { try trained() } == expected, "\(threads) threads")
    }
  }
}

/// Four pictures whose labels follow their brightness.
private struct Pictures: SegmentationDataset {
  let name = "pictures"
  let classes = ClassTable.cityscapes
  let count = 4

  func name(at index: Int) -> String { "picture \(index)" }

  func sample(at index: Int) -> SegmentationSample {
    let image = seededPicture(width: 120 + index, height: 80)
    return SegmentationSample(
      image: image,
      labels: Labels([80, image.width], (0..<80 * image.width).map { Int32(image.pixels[3 * $0] / 16) }),
      name: name(at: index))
  }
}
