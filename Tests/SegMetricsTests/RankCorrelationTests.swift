import SegMetrics
import XCTest

/// Spearman's correlation by its textbook values.
final class RankCorrelationTests: XCTestCase {
  func testValues() throws {
    XCTAssertEqual(try XCTUnwrap(spearman([1, 2, 3, 4], [10, 20, 25, 1000])), 1, accuracy: 1e-12)
    XCTAssertEqual(try XCTUnwrap(spearman([1, 2, 3, 4], [4, 3, 2, 1])), -1, accuracy: 1e-12)
    // IQ against hours of television, the usual example: 1 − 6 · 194 / (10 · 99).
    let iq: [Double] = [106, 86, 100, 101, 99, 103, 97, 113, 112, 110]
    let hours: [Double] = [7, 0, 27, 50, 28, 29, 20, 12, 6, 17]
    XCTAssertEqual(try XCTUnwrap(spearman(iq, hours)), 1 - 6 * 194 / 990.0, accuracy: 1e-12)
    // Ties share their mean rank: ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4.
    XCTAssertEqual(
      try XCTUnwrap(spearman([1, 2, 2, 3], [1, 2, 3, 4])), 4.5 / (4.5 * 5.0).squareRoot(), accuracy: 1e-12)
    XCTAssertNil(spearman([], []))
    XCTAssertNil(spearman([1, 1, 1], [1, 2, 3]))
  }
}
