import Foundation
import SegData
import SegFormats
import SegKernels
import SegMetrics
import SegPerceptualConsistency
import SegTestSupport
import XCTest

/// The bundled features on clips whose truth is known.
final class LagTests: XCTestCase {
  /// True labels that lag behind the frames, for the mean over pairs of 16 clips: the longer, the lower TC; any lag
  /// lowers PC. That PC falls with every further frame does not hold here: Documentation/PerceptualConsistency.md has
  /// the figures.
  func testLagLowersConsistency() throws {
    let streets = StreetScenes(split: "test", size: [128, 256]), lags = [0, 1, 3, 6]
    let extractor = FeatureExtractor(try .bundled())
    var perceptual = lags.map { _ in 0.0 }, temporal = perceptual
    for number in 0..<16 {
      let clip = streets.clip(at: number, frames: 16), places = [9, 10, 13, 14]
      let features = clip.frames(at: places).map { extractor($0.image) }
      for (index, lag) in lags.enumerated() {
        var consistency = TemporalConsistency(classes: 20)
        for pair in [0, 2] {
          let labels = [pair, pair + 1].map { place -> Labels in
            // Void is a label like any other here.
            let labels = clip.labels(at: places[place] - lag)
            return Labels(labels.shape, labels.values.map { $0 == 255 ? 19 : $0 })
          }
          let flow = clip.flow(from: places[pair + 1], to: places[pair])
          consistency.add(previous: labels[0], current: labels[1], flow: flow.field, occluded: flow.occluded)
          let score = PerceptualConsistency(
            featuresA: features[pair], labelsA: PerceptualConsistency.resizedLabels(labels[0], to: features[pair]),
            featuresB: features[pair + 1],
            labelsB: PerceptualConsistency.resizedLabels(labels[1], to: features[pair + 1])
          ).score
          perceptual[index] += score / 32
        }
        temporal[index] += try XCTUnwrap(consistency.visibleScore) / 16
      }
    }
    for index in lags.indices.dropFirst() {
      XCTAssertLessThan(perceptual[index], perceptual[0], "PC at lag \(lags[index]): \(perceptual)")
      XCTAssertLessThan(temporal[index], temporal[index - 1], "TC at lag \(lags[index]): \(temporal)")
    }
  }

  /// torchvision's keys load, deeper layers are left out; what is missing is named. The features are those of layer2.
  func testTorchvisionKeys() throws {
    let classifier = ResNetClassifier(.resNet(18)!)
    ReferenceRule.fill(classifier)
    let archive = WeightArchive(classifier.state.map { (name: $0.name, tensor: $0.parameter.value) })
    let network = try FeatureNetwork(archive, named: "resnet18")
    let reference = try Fixtures.archive("reference/torchvision_resnets.safetensors").tensors
    let expected = try XCTUnwrap(reference["resnet18/stage2"])
    let found = network(ReferenceRule.tensor("input", [1, 3, 64, 96]))
    XCTAssertEqual(found.shape, [1, 128, 8, 12])
    assertClose(found, expected, tolerance: 1e-4)
    let less = WeightArchive(
      classifier.state.filter { $0.name != "layer2.1.bn2.weight" }.map { (name: $0.name, tensor: $0.parameter.value) })
    XCTAssertThrowsError(try FeatureNetwork(less, named: "half")) {
      XCTAssertTrue("\($0)".contains("layer2.1.bn2.weight") && "\($0)".hasPrefix("half"), "\($0)")
    }
  }
}
