import Foundation
import SegData
import SegFormats
import SegKernels
import SegMetrics
import SegPerceptualConsistency
import SegTestSupport
import XCTest

/// What a prediction that comes late does to PC and TC.
///
/// Both compare two neighbouring frames. If the labels of both lag alike, all that either can see is how far the motion
/// of then differs from that of now: nothing where it is steady. If one frame's labels fall behind the other's, both see
/// the whole lag. Documentation/PerceptualConsistency.md has the figures.
final class LagTests: XCTestCase {
  /// A world of 48 columns in a ring, no two alike, in four classes of 12; by `position` columns it has moved.
  private func features(at position: Int) -> Tensor {
    Tensor([48, 1, 48], (0..<(48 * 48)).map { ($0 % 48 + position) % 48 == $0 / 48 ? 1 : 0 })
  }

  private func labels(at position: Int) -> Labels {
    Labels([1, 48], (0..<48).map { Int32(($0 + position) % 48 / 12) })
  }

  /// PC and TC by exact flow of frames 20 and 21 of that world, whose labels lag by 0, 1, ….
  private func scores(lags: ClosedRange<Int>, _ position: (Int) -> Int) -> [(pc: Double, tc: Double?)] {
    let step = position(21) - position(20)
    // From each column of frame 21 to the same one of frame 20, around the ring.
    let vectors = (0..<48).map { Float(($0 + step) % 48 - $0) } + [Float](repeating: 0, count: 48)
    return lags.map { lag in
      let (a, b) = (labels(at: position(20 - lag)), labels(at: position(21 - lag)))
      var consistency = TemporalConsistency(classes: 4)
      consistency.add(previous: a, current: b, flow: FlowField(Tensor([2, 1, 48], vectors)))
      let pc = PerceptualConsistency(
        featuresA: features(at: position(20)), labelsA: a, featuresB: features(at: position(21)), labelsB: b)
      return (pc.score, consistency.score)
    }
  }

  /// Labels that lag behind a steady motion move as the frames do: no lag lowers PC or TC.
  func testLagOfSteadyMotionIsInvisible() {
    for (pc, tc) in scores(lags: 0...12, { 3 * $0 }) {
      XCTAssertEqual(pc, 1, accuracy: 1e-6)
      XCTAssertEqual(tc, 1)
    }
  }

  /// A motion that gains a column a frame: by lag k the labels have moved k columns less than the frames, so that k of
  /// each class's 12 columns disagree. There v = 0, u = 1 and the mean is 1/48, and so pc = −1/47.
  func testLagOfGrowingMotionLowersPCAndTCMonotonically() throws {
    for (lag, score) in scores(lags: 0...12, { $0 * ($0 + 1) / 2 }).enumerated() {
      let wrong = 4 * Double(lag) / 48
      XCTAssertEqual(score.pc, 1 - wrong * (1 + 1.0 / 47), accuracy: 1e-6, "lag \(lag)")
      XCTAssertEqual(try XCTUnwrap(score.tc), Double(12 - lag) / Double(12 + lag), accuracy: 1e-12, "lag \(lag)")
    }
  }

  /// True labels of the one frame, and of the other labels that come late by 1 frame, 2 frames and so on: each frame more
  /// lowers PC and TC, in every clip. (At lag 1 both frames have the same labels, which PC rates above the truth.)
  func testLagBehindTheOtherFrameLowersPCAndTCMonotonically() throws {
    let streets = StreetScenes(split: "test", size: [256, 512]), lags = [1, 2, 3, 4, 6, 8]
    let extractor = FeatureExtractor(try .bundled())
    for number in 0..<3 {
      let clip = streets.clip(at: number, frames: 20)
      var perceptual = lags.map { _ in 0.0 }, temporal = lags.map { _ in TemporalConsistency(classes: 20) }
      for first in [9, 13, 17] {
        let features = clip.frames(at: [first, first + 1]).map { extractor($0.image) }
        let flow = clip.flow(from: first + 1, to: first), own = labels(of: clip, at: first)
        for (index, lag) in lags.enumerated() {
          let late = labels(of: clip, at: first + 1 - lag)
          temporal[index].add(previous: own, current: late, flow: flow.field, occluded: flow.occluded)
          perceptual[index] += PerceptualConsistency.scorer(features[0], features[1])(own, late) / 3
        }
      }
      let found = try temporal.map { try XCTUnwrap($0.visibleScore) }
      for index in lags.indices.dropFirst() {
        XCTAssertLessThan(perceptual[index], perceptual[index - 1], "PC of clip \(number): \(perceptual)")
        XCTAssertLessThan(found[index], found[index - 1], "TC of clip \(number): \(found)")
      }
    }
  }

  /// Both frames' labels late alike, for the mean over pairs of 16 clips: any lag lowers PC, the longer, the lower TC.
  func testAnyLagLowersConsistency() throws {
    let streets = StreetScenes(split: "test", size: [128, 256]), lags = [0, 1, 3, 6]
    let extractor = FeatureExtractor(try .bundled())
    var perceptual = lags.map { _ in 0.0 }, temporal = perceptual
    for number in 0..<16 {
      let clip = streets.clip(at: number, frames: 16), places = [9, 10, 13, 14]
      let features = clip.frames(at: places).map { extractor($0.image) }
      for (index, lag) in lags.enumerated() {
        var consistency = TemporalConsistency(classes: 20)
        for pair in [0, 2] {
          let (a, b) = (
            labels(of: clip, at: places[pair] - lag), labels(of: clip, at: places[pair + 1] - lag)
          )
          let flow = clip.flow(from: places[pair + 1], to: places[pair])
          consistency.add(previous: a, current: b, flow: flow.field, occluded: flow.occluded)
          perceptual[index] += PerceptualConsistency.scorer(features[pair], features[pair + 1])(a, b) / 32
        }
        temporal[index] += try XCTUnwrap(consistency.visibleScore) / 16
      }
    }
    for index in lags.indices.dropFirst() {
      XCTAssertLessThan(perceptual[index], perceptual[0], "PC at lag \(lags[index]): \(perceptual)")
      XCTAssertLessThan(temporal[index], temporal[index - 1], "TC at lag \(lags[index]): \(temporal)")
    }
  }

  /// True labels; void is a label like any other here.
  private func labels(of clip: StreetClip, at place: Int) -> Labels {
    let labels = clip.labels(at: place)
    return Labels(labels.shape, labels.values.map { $0 == 255 ? 19 : $0 })
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
