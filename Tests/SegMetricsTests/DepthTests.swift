import Foundation
import SegFiles
import SegFormats
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

/// Depth errors: Monodepth2's own numbers, its rules in double precision written out once more, and files.
final class DepthTests: XCTestCase {
  /// `depth_errors` of the reference outputs: Monodepth2's function (nianticlabs/monodepth2, b676244e) on generated
  /// maps.
  func testMonodepth2() throws {
    let truth = ReferenceRule.values("depth_gt", count: 96 * 160).map { 1 + 39.5 * ($0 + 1) }
    let found = ReferenceRule.values("depth_pred", count: 96 * 160).map { 1 + 39.5 * ($0 + 1) }
    var evaluation = DepthEvaluation(DepthProtocol(least: 1e-6, most: 1e6, crop: .none, scalesByMedian: false))
    evaluation.add(depth: Tensor([96, 160], found), truth: Tensor([96, 160], truth))
    let errors = try XCTUnwrap(DepthScores(evaluation).mean)
    let expected = [
      1.715008020401001, 77.7777099609375, 32.027103424072266, 1.2171764373779297, 0.20253905653953552,
      0.3743489682674408, 0.5049479007720947,
    ]
    for (value, expected) in zip(
      [
        errors.absoluteRelative, errors.squaredRelative, errors.rmse, errors.rmseLog, errors.delta1, errors.delta2,
        errors.delta3,
      ], expected)
    {
      XCTAssertEqual(value, expected, accuracy: 1e-6 * max(expected, 1))
    }
  }

  /// Monodepth2's evaluation of KITTI, step by step: crop, median, cut, errors; then means over images.
  func testKITTI() throws {
    var random = RandomSource(seed: 9)
    var evaluation = DepthEvaluation(.kitti(scalesByMedian: true)), parts: [DepthEvaluation] = []
    var expected: [[Double]] = [], factors: [Double] = []
    for (height, width) in [(37, 122), (25, 80)] {
      let truth = (0..<(height * width)).map { _ -> Float in
        random.nextUniform() < 0.3 ? 0 : 1 + 95 * random.nextUniform()
      }
      let found = truth.map { 0.05 * (max($0, 1) + 4 * random.nextNormal()).magnitude + 0.01 }
      let first = (Int(0.40810811 * Double(height)), Int(0.03594771 * Double(width)))
      let last = (Int(0.99189189 * Double(height)), Int(0.96405229 * Double(width)))
      var pairs: [(d: Double, t: Double)] = []
      for y in first.0..<last.0 {
        for x in first.1..<last.1 where truth[y * width + x] > 1e-3 && truth[y * width + x] < 80 {
          pairs.append((Double(found[y * width + x]), Double(truth[y * width + x])))
        }
      }
      func middle(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
      }
      let factor = middle(pairs.map(\.t)) / middle(pairs.map(\.d))
      factors.append(factor)
      pairs = pairs.map { (min(max($0.d * factor, 1e-3), 80), $0.t) }
      func mean(_ f: (Double, Double) -> Double) -> Double {
        pairs.reduce(0) { $0 + f($1.d, $1.t) } / Double(pairs.count)
      }
      expected.append([
        mean { abs($0 - $1) / $1 }, mean { ($0 - $1) * ($0 - $1) / $1 }, mean { ($0 - $1) * ($0 - $1) }.squareRoot(),
        mean { pow(log($0 / $1), 2) }.squareRoot(), mean { abs(Foundation.log10($0) - Foundation.log10($1)) },
        mean { max($0 / $1, $1 / $0) < 1.25 ? 1 : 0 }, mean { max($0 / $1, $1 / $0) < 1.5625 ? 1 : 0 },
        mean { max($0 / $1, $1 / $0) < 1.953125 ? 1 : 0 },
      ])
      var part = DepthEvaluation(.kitti(scalesByMedian: true))
      part.add(depth: Tensor([height, width], found), truth: Tensor([height, width], truth))
      parts.append(part)
    }
    for part in parts { evaluation += part }
    evaluation.add(depth: Tensor.ones([5, 9]), truth: Tensor.zeros([5, 9]))
    let scores = DepthScores(evaluation)
    XCTAssertEqual([scores.images, scores.skipped], [2, 1])
    let errors = try XCTUnwrap(scores.mean)
    for (index, value) in errors.values.enumerated() {
      XCTAssertEqual(
        value, (expected[0][index] + expected[1][index]) / 2, accuracy: 1e-9, DepthErrors.names[index].name)
    }
    let middle = (factors[0] + factors[1]) / 2
    XCTAssertEqual(try XCTUnwrap(scores.medianFactor), middle, accuracy: 1e-9 * middle)
    // Two ratios lie at half their difference from their mean.
    XCTAssertEqual(try XCTUnwrap(scores.factorSpread), abs(factors[0] - factors[1]) / 2 / middle, accuracy: 1e-9)
  }

  /// A disparity of another size is resized before it is inverted; bilinear, worked by hand.
  func testDisparitiesAreResized() throws {
    var evaluation = DepthEvaluation(DepthProtocol(least: 1e-3, most: 80, crop: .none, scalesByMedian: false))
    // Columns 0.5 and 0.1 at four columns: 0.5, 0.4, 0.2, 0.1.
    let truth = Tensor([1, 4], [2, 2.5, 5, 10])
    evaluation.add(disparity: Tensor([1, 2], [0.5, 0.1]), truth: truth)
    evaluation.add(depth: Tensor([1, 2], [2, 10]), truth: truth)
    for image in evaluation.images { XCTAssertEqual(image.absoluteRelative, 0, accuracy: 1e-6) }
    // What is not positive is as far, or as near, as can be.
    evaluation.add(disparity: Tensor([1, 1], [0]), truth: Tensor([1, 1], [40]))
    evaluation.add(depth: Tensor([1, 1], [-1]), truth: Tensor([1, 1], [40]))
    XCTAssertEqual(evaluation.images[2].absoluteRelative, 1)
    XCTAssertEqual(evaluation.images[3].absoluteRelative, (40 - 1e-3) / 40, accuracy: 1e-12)
    XCTAssertNil(DepthScores(DepthEvaluation(.kitti(scalesByMedian: false))).mean)
  }

  /// Depths of 70 m and more do not count for Make3D's C1, nor do rows outside the middle strip.
  func testMake3D() {
    var evaluation = DepthEvaluation(.make3DC1(scalesByMedian: false))
    evaluation.add(depth: Tensor([1, 3], [20, 90, 50]), truth: Tensor([1, 3], [10, 60, 70]))
    XCTAssertEqual(evaluation.images[0].absoluteRelative, (1 + 10.0 / 60) / 2, accuracy: 1e-12)
    XCTAssertEqual(evaluation.images[0].log10, (Foundation.log10(2) + Foundation.log10(70.0 / 60)) / 2, accuracy: 1e-12)
  }

  func testMake3DsCrop() {
    var evaluation = DepthEvaluation(.make3DC1(scalesByMedian: false))
    // Four rows of four columns: the two in the middle count.
    evaluation.add(
      depth: Tensor([4, 4], (0..<16).map { (pixel: Int) -> Float in (4..<12).contains(pixel) ? 20 : 1 }),
      truth: Tensor([4, 4], filledWith: 10))
    XCTAssertEqual(evaluation.images[0].absoluteRelative, 1, accuracy: 1e-12)
  }

  func testFiles() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let png = folder.appendingPathComponent("a.png"), npy = folder.appendingPathComponent("a.npy")
    try Labels([2, 2], [0, 256, 20_480, 65_535]).writeGray16PNG(to: png)
    XCTAssertEqual(try DepthFile.read(png).scalars, [0, 1, 80, 65_535.0 / 256])
    try writeWeights(WeightArchive([("x", Tensor([1, 1, 2, 3], (0..<6).map(Float.init)))]), to: npy)
    XCTAssertEqual(try DepthFile.read(npy).shape, [2, 3])
    try writeWeights(WeightArchive([("x", Tensor.zeros([2, 2, 3]))]), to: npy, overwrite: true)
    XCTAssertThrowsError(try DepthFile.read(npy)) { XCTAssertTrue("\($0)".contains("(2, 2, 3)"), "\($0)") }
    XCTAssertThrowsError(try DepthFile.read(folder.appendingPathComponent("none.npy"))) {
      XCTAssertEqual(($0 as? FileError)?.kind, .missing)
    }
  }
}
