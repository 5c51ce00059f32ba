import Foundation
import SegTraining
import XCTest

final class StudentTTests: XCTestCase {
  /// The table of every textbook (Student 1908; Fisher and Yates, "Statistical Tables", table III).
  func testPublishedQuantiles() {
    let table: [(degrees: Int, q95: Double, q975: Double, q995: Double)] = [
      (1, 6.314, 12.706, 63.657), (2, 2.920, 4.303, 9.925), (3, 2.353, 3.182, 5.841), (4, 2.132, 2.776, 4.604),
      (5, 2.015, 2.571, 4.032), (7, 1.895, 2.365, 3.499), (10, 1.812, 2.228, 3.169), (20, 1.725, 2.086, 2.845),
      (30, 1.697, 2.042, 2.750), (120, 1.658, 1.980, 2.617),
    ]
    for row in table {
      let t = StudentT(degrees: row.degrees)
      XCTAssertEqual(t.quantile(0.95), row.q95, accuracy: 6e-4, "\(row.degrees) degrees")
      XCTAssertEqual(t.quantile(0.975), row.q975, accuracy: 6e-4, "\(row.degrees) degrees")
      XCTAssertEqual(t.quantile(0.995), row.q995, accuracy: 6e-4, "\(row.degrees) degrees")
      XCTAssertEqual(t.quantile(0.025), -t.quantile(0.975), accuracy: 1e-12)
      XCTAssertEqual(t.probability(below: 0), 0.5, accuracy: 1e-12)
    }
  }

  /// With 1 and 2 degrees the distribution has a closed form.
  func testClosedForms() {
    for t in [-30.0, -2, -0.1, 0.3, 1, 5, 200] {
      XCTAssertEqual(StudentT(degrees: 1).probability(below: t), 0.5 + atan(t) / .pi, accuracy: 1e-12, "t \(t)")
      XCTAssertEqual(
        StudentT(degrees: 2).probability(below: t), 0.5 + t / (2 * (2 + t * t).squareRoot()), accuracy: 1e-12, "t \(t)")
    }
  }

  /// Student's own data: hours of sleep gained by two drugs. Mean 1.58, deviation 1.23 (1908, section VIII); R's
  /// t.test(paired = TRUE) on `sleep` prints the interval 0.7001142 to 2.4598858.
  func testStudentsSleep() throws {
    let differences = PairedDifferences([1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4])
    XCTAssertEqual(try XCTUnwrap(differences.mean), 1.58, accuracy: 1e-12)
    XCTAssertEqual(try XCTUnwrap(differences.deviation), 1.229995, accuracy: 1e-6)
    let interval = try XCTUnwrap(differences.interval)
    XCTAssertEqual(interval.lowerBound, 0.7001142, accuracy: 1e-7)
    XCTAssertEqual(interval.upperBound, 2.4598858, accuracy: 1e-7)
    XCTAssertNil(PairedDifferences([1]).interval)
    XCTAssertNil(PairedDifferences([]).mean)
  }
}
