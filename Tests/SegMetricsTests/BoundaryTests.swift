import Foundation
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

/// Boundary metrics against SciPy's morphology (see `make_metrics.py`), and the rules for what is empty.
final class BoundaryTests: XCTestCase {
  private struct Fixture: Decodable {
    struct Pair: Decodable {
      let truth, prediction: [String]
    }
    struct Scores: Decodable {
      let classes: [Double?]
      let mean: Double
      let overImages: Double
    }
    let images: [Pair]
    let pixels, shares: [String: Scores]
    let boundaryIoU: [Double?]
    let trimap: [String: Double]

    static func load() throws -> Fixture { try Fixtures.json("metrics/metrics.json", as: Fixture.self) }

    /// (prediction, truth) of each image; a dot is void.
    var pairs: [(Labels, Labels)] { images.map { (labels($0.prediction), labels($0.truth)) } }

    private func labels(_ rows: [String]) -> Labels {
      Labels([rows.count, rows[0].count], rows.joined().map { $0 == "." ? 255 : Int32(String($0))! })
    }
  }

  private func assertEqual(_ found: Double?, _ expected: Double?, _ note: String, line: UInt = #line) {
    guard let found, let expected else {
      return XCTAssertEqual(found, expected, note, line: line)
    }
    XCTAssertEqual(found, expected, accuracy: 1e-12, note, line: line)
  }

  func testBoundaryF() throws {
    let fixture = try Fixture.load()
    let expected =
      fixture.pixels.map { (BoundaryTolerance.pixels(Int($0)!), $1) }
      + fixture.shares.map { (BoundaryTolerance.diagonal(Double($0)!), $1) }
    XCTAssertEqual(expected.count, 9)
    var score = BoundaryF(classes: 4, tolerances: expected.map(\.0))
    for (index, (prediction, truth)) in fixture.pairs.enumerated() {
      // Parts that are joined.
      var part = BoundaryF(classes: 4, tolerances: expected.map(\.0))
      part.add(prediction: prediction, truth: truth)
      if index == 0 { score = part } else { score += part }
    }
    for (level, (tolerance, scores)) in expected.enumerated() {
      for index in 0..<4 {
        assertEqual(score.counts(at: level)[index]?.f, scores.classes[index], "\(tolerance), class \(index)")
      }
      assertEqual(score.meanF(at: level), scores.mean, "\(tolerance)")
      assertEqual(score.meanFOverImages(at: level), scores.overImages, "\(tolerance)")
      assertEqual(BoundaryF.meanF(ofSums: score.sums, classes: 4, level: level), scores.mean, "sums at \(tolerance)")
    }
  }

  func testBoundaryIoU() throws {
    let fixture = try Fixture.load()
    var score = BoundaryIoU(classes: 4)
    for (prediction, truth) in fixture.pairs {
      var part = BoundaryIoU(classes: 4)
      part.add(prediction: prediction, truth: truth)
      score += part
    }
    for index in 0..<4 { assertEqual(score.iou[index], fixture.boundaryIoU[index], "class \(index)") }
    assertEqual(score.mean, fixture.boundaryIoU.compactMap { $0 }.reduce(0, +) / 4, "mean")
  }

  func testTrimapIoU() throws {
    let fixture = try Fixture.load()
    let widths = fixture.trimap.keys.map { Int($0)! }.sorted()
    var score = TrimapIoU(classes: 4, widths: widths)
    for (prediction, truth) in fixture.pairs {
      var part = TrimapIoU(classes: 4, widths: widths)
      part.add(prediction: prediction, truth: truth)
      score += part
    }
    for (width, found) in zip(widths, score.meanIoU) { assertEqual(found, fixture.trimap["\(width)"]!, "\(width) px") }
  }

  /// A shift by one pixel: worked by hand. The boundary of a half plane is one column.
  func testAShiftByHand() {
    let truth = Labels([4, 8], (0..<32).map { $0 % 8 < 4 ? 0 : 1 })
    let shifted = Labels([4, 8], (0..<32).map { $0 % 8 < 6 ? 0 : 1 })
    var score = BoundaryF(classes: 3, tolerances: [.pixels(1), .pixels(2)])
    score.add(prediction: shifted, truth: truth)
    XCTAssertEqual(score.counts(at: 0)[0]?.truth, 4)  // column 3, and nothing along the frame
    XCTAssertEqual(score.counts(at: 0).map { $0?.f }, [0, 0, nil])
    XCTAssertEqual(score.counts(at: 1).map { $0?.f }, [1, 1, nil])
    XCTAssertEqual(score.meanF(at: 0), 0)
    XCTAssertEqual(score.meanF(at: 1), 1)
  }

  func testWhatIsEmpty() {
    func score(_ prediction: [Int32], _ truth: [Int32]) -> BoundaryF {
      var score = BoundaryF(classes: 2, tolerances: [.pixels(1)])
      score.add(prediction: Labels([1, 6], prediction), truth: Labels([1, 6], truth))
      return score
    }
    // One class everywhere: no boundary, no score.
    XCTAssertEqual(score([0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]).counts(at: 0).map { $0?.f }, [nil, nil])
    XCTAssertNil(score([0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]).meanF(at: 0))
    // A boundary on one side only is 0; a class that the truth lacks is left out.
    XCTAssertEqual(score([0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0]).counts(at: 0).map { $0?.f }, [0, nil])
    XCTAssertEqual(score([0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]).counts(at: 0).map { $0?.f }, [0, 0])
    // Void makes no boundary, and those within a pixel of it do not count.
    XCTAssertNil(score([0, 0, 0, 1, 1, 1], [0, 0, 0, 255, 1, 1]).meanF(at: 0))
    XCTAssertEqual(score([0, 0, 0, 1, 1, 1], [255, 0, 0, 1, 1, 1]).meanF(at: 0), 1)
    let nothing = score([0, 1, 0, 1, 0, 1], [255, 255, 255, 255, 255, 255])
    XCTAssertNil(nothing.meanF(at: 0))
    XCTAssertNil(nothing.meanFOverImages(at: 0))
    var bands = BoundaryIoU(classes: 2), trimap = TrimapIoU(classes: 2)
    bands.add(prediction: Labels([1, 2], [0, 1]), truth: Labels([1, 2], [255, 255]))
    trimap.add(prediction: Labels([1, 2], [0, 1]), truth: Labels([1, 2], [0, 0]))
    XCTAssertEqual(bands.iou, [nil, nil])
    XCTAssertEqual(trimap.meanIoU, [nil, nil, nil, nil, nil, nil])
  }

  /// Gated-SCNN's shares at the size of Cityscapes: 3, 5, 9 and 12 pixels, as its paper says.
  func testSharesOfTheDiagonal() {
    XCTAssertEqual(
      BoundaryTolerance.standard.map { $0.radius(height: 1024, width: 2048) }, [1, 2, 3, 5, 3, 5, 9, 12])
  }
}
