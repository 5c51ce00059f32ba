import Foundation
import SegData
import SegImages
import SegKernels
import SegMetrics
import SegPipelines
import SegPretrained
import SegTraining
import XCTest

/// StreetScenes cannot be solved by looking at patches. Ten minutes of training: `scripts/check` runs it.
final class StreetDifficultyTests: XCTestCase {
  override func setUpWithError() throws {
    try XCTSkipIf(ProcessInfo.processInfo.environment["SEGKERNELS_SLOW"] == nil, "slow: run by scripts/check")
  }

  /// Four 3×3 convolutions, the first of stride 2: an output sees 3 + 3·4 = 15 pixels.
  private func patchNetwork() -> Sequential {
    func unit(_ input: Int, _ output: Int, stride: Int) -> [any UnaryModule] {
      [
        Conv2d(inputChannels: input, outputChannels: output, kernel: 3, stride: Pair(stride), bias: false),
        BatchNorm2d(channels: output), ReLU(),
      ]
    }
    let layers =
      unit(3, 48, stride: 2) + unit(48, 64, stride: 1) + unit(64, 64, stride: 1) + unit(64, 96, stride: 1)
      + [Conv2d(inputChannels: 96, outputChannels: 19, kernel: 1, bias: true)]
    let network = Sequential(layers.enumerated().map { ("\($0)", $1) })
    network.initialize(.kaimingFanOut, seed: 1)
    return network
  }

  func testPatchesOfFifteenPixelsDoNotSuffice() throws {
    let network = patchNetwork()
    let train = StreetScenes(split: "train", count: 400), test = StreetScenes(split: "test")
    let loader = BatchLoader(
      try train.cached(), batchSize: 8, augmentation: Augmentation(scale: 1...1, crop: [128, 256]), seed: 1)
    let task = SegmentationTask(network, ignoreIndex: 255)
    let optimizer = SGD(learningRate: 0.05, momentum: 0.9, weightDecay: 1e-4)
    network.setTraining(true)
    let steps = 500
    for step in 0..<steps {
      optimizer.learningRate = 0.05 * Schedule.poly(power: 0.9).factor(step: step, of: steps, warmup: 20)
      let batch = try loader.batch(at: step)
      let (_, gradients) = valueAndGradient(of: network) { _ in task.loss(batch, progress: 0) }
      optimizer.update(network, with: gradients)
    }
    network.setTraining(false)
    let segment = try Segmenter(weights: .bundled(.streets))
    var (patches, whole) = (ConfusionMatrix(classes: 19), ConfusionMatrix(classes: 19))
    for index in 0..<100 {
      let sample = test.sample(at: index)
      let logits = resize(network(Tensor(sample.image)), to: [256, 512])
      patches.add(prediction: argmax(logits).reshaped([256, 512]), truth: sample.labels)
      whole.add(prediction: segment(sample.image).labels, truth: sample.labels)
    }
    print("mIoU: patches of 15 pixels \(patches.meanIoU()), the bundled network \(whole.meanIoU())")
    XCTAssertLessThanOrEqual(patches.meanIoU(), 0.6 * whole.meanIoU())
    // The card's window for the bundled model: neither too hard nor too easy.
    XCTAssertTrue((0.55...0.85).contains(whole.meanIoU()))
  }
}
