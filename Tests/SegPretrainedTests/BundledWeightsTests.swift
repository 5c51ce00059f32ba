import SegData
import SegFormats
import SegImages
import SegKernels
import SegMetrics
import SegPipelines
import SegPretrained
import SegPretrainedResearch
import SegTestSupport
import SegTraining
import XCTest

/// The weights that come with the package: whole, small enough, honest about themselves, and good at what they are for.
final class BundledWeightsTests: XCTestCase {
  private let all: [BundledWeights] = [.streets, .camVid]

  func testTheyFitTheirModelsExactly() throws {
    var bytes = 0
    for weights in all {
      let loaded = try LoadedModel(nil, weights: .bundled(weights))
      XCTAssertEqual(loaded.model.name, .ffnet22S_half_BCC)
      XCTAssertEqual(loaded.report.differences, [])
      XCTAssertEqual(loaded.card.classes, weights.name == "streets" ? .cityscapes : .camVid)
      // Kernels take two bytes a number, everything else four (counters eight).
      bytes += loaded.model.network.state.reduce(0) { sum, entry in
        sum + entry.parameter.shape.elementCount * (entry.parameter.shape.rank >= 2 ? 2 : 8)
      }
    }
    XCTAssertLessThan(bytes, 12_000_000)
  }

  /// A card names recipe, data and terms, seed, score, and how to make the weights again.
  func testCards() {
    for weights in all {
      for word in ["Recipe", "Data", "Terms", "Seed", "mIoU", "segkernels train"] {
        XCTAssertTrue(weights.card.contains(word), "\(weights.name): \(word)")
      }
    }
    XCTAssertNil(BundledWeights.streets.restriction)
    XCTAssertTrue(BundledWeights.camVid.restriction!.contains("CC BY-NC 4.0"))
    XCTAssertTrue(BundledWeights.camVid.card.contains("CC BY-NC 4.0"))
  }

  /// Far below what the card reports, far above what anything but trained weights of this model would reach.
  func testStreetsWeightsSegmentStreets() throws {
    let segment = try Segmenter(weights: .bundled(.streets))
    let streets = StreetScenes(split: "test")
    var matrix = ConfusionMatrix(classes: 19)
    for index in stride(from: 0, to: 60, by: 2) {
      let sample = streets.sample(at: index)
      matrix.add(prediction: segment(sample.image).labels, truth: sample.labels)
    }
    XCTAssertGreaterThan(matrix.meanIoU(), 0.4)
  }

  func testCamVidWeightsSegmentCamVid() throws {
    let segment = try Segmenter(weights: .bundled(.camVid))
    let camVid = try CamVid(root: Fixtures.researchData("camvid"), split: "val")
    var matrix = ConfusionMatrix(classes: 11, ignoreIndex: 11)
    for index in stride(from: 0, to: 101, by: 10) {
      let sample = try camVid.sample(at: index)
      matrix.add(prediction: segment(sample.image).labels, truth: sample.labels)
    }
    XCTAssertGreaterThan(matrix.meanIoU(), 0.45)
  }
}
