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

  func testTheDepthNetworkFitsItsModelExactly() throws {
    let loaded = try LoadedModel(nil, weights: .bundled(.streetsDepth))
    XCTAssertEqual(loaded.model.name.rawValue, "monodepth2_resnet18_half")
    XCTAssertEqual(loaded.report.differences, [])
    XCTAssertLessThan(loaded.model.network.parameterCount, 4_000_000)
  }

  /// A card names recipe, data and terms, seed, score, and how to make the weights again.
  func testCards() {
    for weights in all + [.streetsDepth] {
      let score = weights.name == "streets-depth" ? "AbsRel" : "mIoU"
      for word in ["Recipe", "Data", "Terms", "Seed", score, "segkernels train"] {
        XCTAssertTrue(weights.card.contains(word), "\(weights.name): \(word)")
      }
    }
    for weights in BundledWeights.models { XCTAssertNil(weights.restriction, weights.name) }
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

  /// Better than any depth that does not look at the picture: the median of each row over other frames.
  func testStreetsDepthTellsDepth() throws {
    let estimate = try DepthEstimator(LoadedModel(nil, weights: .bundled(.streetsDepth)))
    let size = estimate.loaded.card.size, learnt = StreetScenes(split: "train", size: size)
    let known = (0..<12).map { learnt.frame(at: $0).depth }
    let (height, width) = (known[0].shape[0], known[0].shape[1])
    let rows = (0..<height).map { row -> Float in
      let depths = known.flatMap { $0.scalars[row * width..<(row + 1) * width] }.filter { $0 > 0 }.sorted()
      return depths.isEmpty ? 0 : 1 / depths[depths.count / 2]
    }
    let blind = Tensor([height, width], rows.flatMap { Array(repeating: $0, count: width) })
    var told = DepthEvaluation(.uncropped(scalesByMedian: false)), guessed = told
    for index in 0..<12 {
      let frame = StreetScenes(split: "test", size: size).frame(at: index)
      told.add(disparity: estimate(frame.image, size: nil), truth: frame.depth)
      guessed.add(disparity: blind, truth: frame.depth)
    }
    func error(_ evaluation: DepthEvaluation) throws -> Double {
      try XCTUnwrap(DepthScores(evaluation).mean).absoluteRelative
    }
    XCTAssertLessThan(try error(told), try error(guessed))
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
