import Foundation
import SegKernels
import SegMetrics
import XCTest

final class PairedBootstrapTests: XCTestCase {
  private func mean(_ sums: [Double]) -> Double? { sums[1] > 0 ? sums[0] / sums[1] : nil }

  /// The interval of a mean's difference, against the normal theory that it tends to.
  func testIntervalOfAMean() throws {
    var random = RandomSource(seed: 3)
    let count = 400
    let a = (0..<count).map { _ in [Double(random.nextNormal()) + 0.2, 1] }
    // Paired: B is A with a noise of its own, so the difference is much better known than either score.
    let b = a.map { [$0[0] - 0.1 + 0.2 * Double(random.nextNormal()), 1] }
    let result = PairedBootstrap(a, b, resamples: 4000, seed: 5, score: mean)
    let differences = zip(a, b).map { $0[0] - $1[0] }, centre = differences.reduce(0, +) / Double(count)
    let deviation = (differences.reduce(0) { $0 + pow($1 - centre, 2) } / Double(count)).squareRoot()
    let half = 1.96 * deviation / Double(count).squareRoot()
    XCTAssertEqual(try XCTUnwrap(result.difference), centre, accuracy: 1e-12)
    let interval = try XCTUnwrap(result.interval)
    XCTAssertEqual(interval[0], centre - half, accuracy: 0.08 * half)
    XCTAssertEqual(interval[1], centre + half, accuracy: 0.08 * half)
    XCTAssertEqual(result.shareAbove, 1)
    XCTAssertEqual(result, PairedBootstrap(a, b, resamples: 4000, seed: 5, score: mean))
    XCTAssertNotEqual(result.interval, PairedBootstrap(a, b, resamples: 4000, seed: 6, score: mean).interval)
  }

  /// Two images: the resamples are four, with known odds.
  func testTwoImages() throws {
    let result = PairedBootstrap([[1, 1], [3, 1]], [[0, 1], [0, 1]], resamples: 2000, score: mean)
    XCTAssertEqual(result.a, 2)
    XCTAssertEqual(result.b, 0)
    XCTAssertEqual(result.interval, [1, 3])
    // A score of the sums, not of images: without a second image there is none.
    let rare = PairedBootstrap([[0, 0], [3, 1]], [[0, 0], [1, 1]], resamples: 200, score: mean)
    XCTAssertEqual(rare.interval, [2, 2])
  }

  func testEqualAndEmptySystems() {
    let same = PairedBootstrap([[1, 1], [2, 1]], [[1, 1], [2, 1]], resamples: 100, score: mean)
    XCTAssertEqual(same.interval, [0, 0])
    XCTAssertEqual(same.shareAbove, 0.5)
    let none = PairedBootstrap([], [], resamples: 10) { $0.first }
    XCTAssertNil(none.difference)
    XCTAssertNil(none.interval)
    let undefined = PairedBootstrap([[0, 0]], [[0, 0]], resamples: 10, score: mean)
    XCTAssertNil(undefined.shareAbove)
  }
}
