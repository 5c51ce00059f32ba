import SegKernels
import SegMetrics
import XCTest

/// Calibration and error detection: examples of torchmetrics' documentation, and definitions written out plainly.
final class CalibrationTests: XCTestCase {
  /// `BinaryCalibrationError(n_bins=2)` of torchmetrics' documentation: l1 0.2900, max 0.3167.
  func testExampleOfTorchmetrics() throws {
    var error = CalibrationError(bins: 2)
    for (confidence, isRight) in [(0.25, false), (0.25, false), (0.55, true), (0.75, true), (0.75, true)] {
      var part = CalibrationError(bins: 2)
      part.add(confidence: confidence, isRight: isRight)
      error += part
    }
    XCTAssertEqual(try XCTUnwrap(error.expected), 0.29, accuracy: 1e-9)
    XCTAssertEqual(try XCTUnwrap(error.greatest), 0.3167, accuracy: 5e-5)
    XCTAssertNil(CalibrationError().expected)
    XCTAssertNil(CalibrationError().greatest)
    // Bins hold their upper end.
    var ends = CalibrationError(bins: 2)
    for confidence in [0, 0.5, 1] { ends.add(confidence: confidence, isRight: true) }
    XCTAssertEqual(ends.bins.map(\.count), [2, 1])
  }

  /// Three pixels of two classes, one of them void.
  func testProbabilities() throws {
    let probabilities = Tensor([1, 2, 1, 3], [0.9, 0.3, 0.5, 0.1, 0.7, 0.5]), truth = Labels([1, 1, 3], [0, 0, 255])
    var brier = BrierScore(), calibration = CalibrationError(bins: 10)
    brier.add(probabilities: probabilities, truth: truth)
    calibration.add(probabilities: probabilities, truth: truth)
    XCTAssertEqual(try XCTUnwrap(brier.score), (2 * 0.01 + 2 * 0.49) / 2, accuracy: 1e-7)
    XCTAssertEqual(try XCTUnwrap(calibration.expected), (0.1 + 0.7) / 2, accuracy: 1e-7)
    XCTAssertNil(BrierScore().score)
  }

  /// torchmetrics' documentation: `BinaryAUROC` 0.5 and `BinaryAveragePrecision` 0.5833 of the same four samples.
  func testErrorDetectionOfTorchmetrics() throws {
    var detection = ErrorDetection()
    for (suspicion, isError) in [(0, false), (0.5, true), (0.7, true), (0.8, false)] as [(Float, Bool)] {
      detection.add(suspicion: suspicion, isError: isError)
    }
    let figures = detection.figures
    XCTAssertEqual(try XCTUnwrap(figures.auroc), 0.5)
    XCTAssertEqual(try XCTUnwrap(figures.aupr), 0.5833, accuracy: 5e-5)
    // All errors are found from 0.5 up, one of two alarms false. Risks from the least suspicious up: 0, ½, ⅔, ½.
    XCTAssertEqual(figures.fprAt95TPR, 0.5)
    XCTAssertEqual(try XCTUnwrap(figures.aurc), (0 + 1.0 / 2 + 2.0 / 3 + 1.0 / 2) / 4, accuracy: 1e-12)
  }

  /// With ties: pairs for AUROC, thresholds for the others, all orders' mean for the risk.
  func testErrorDetectionAgainstDefinitions() throws {
    var random = RandomSource(seed: 31)
    for round in 0..<50 {
      let count = Int.random(in: 2...40, using: &random)
      let samples = (0..<count).map { _ in
        (score: Float(Int.random(in: 0...6, using: &random)), isError: random.nextUniform() < 0.4)
      }
      var detection = ErrorDetection(), halves = (ErrorDetection(), ErrorDetection())
      for (index, sample) in samples.enumerated() {
        detection.add(suspicion: sample.score, isError: sample.isError)
        if index < count / 2 {
          halves.0.add(suspicion: sample.score, isError: sample.isError)
        } else {
          halves.1.add(suspicion: sample.score, isError: sample.isError)
        }
      }
      halves.0 += halves.1
      let figures = detection.figures
      XCTAssertEqual(halves.0.figures, figures)
      let errors = samples.filter(\.isError), right = samples.filter { !$0.isError }
      // The least suspicious first; within ties every order is as likely.
      var risk = 0.0
      for k in 1...count {
        let sorted = samples.map(\.score).sorted(), edge = sorted[k - 1]
        let below = samples.filter { $0.score < edge }, tied = samples.filter { $0.score == edge }
        let share = Double(tied.filter(\.isError).count) / Double(tied.count)
        risk += (Double(below.filter(\.isError).count) + share * Double(k - below.count)) / Double(k)
      }
      XCTAssertEqual(try XCTUnwrap(figures.aurc), risk / Double(count), accuracy: 1e-12)
      guard !errors.isEmpty, !right.isEmpty else {
        XCTAssertNil(figures.auroc)
        XCTAssertNil(figures.fprAt95TPR)
        XCTAssertEqual(figures.aupr, errors.isEmpty ? nil : 1)
        continue
      }
      let wins = errors.reduce(0.0) { sum, error in
        right.reduce(sum) { $0 + (error.score > $1.score ? 1 : error.score == $1.score ? 0.5 : 0) }
      }
      XCTAssertEqual(
        try XCTUnwrap(figures.auroc), wins / Double(errors.count * right.count), accuracy: 1e-12, "round \(round)")
      var precision = 0.0, last = 0.0, least = 1.0
      for threshold in Set(samples.map(\.score)).sorted(by: >) {
        let found = Double(errors.filter { $0.score >= threshold }.count)
        let alarms = Double(right.filter { $0.score >= threshold }.count)
        precision += (found - last) / Double(errors.count) * found / (found + alarms)
        last = found
        if found / Double(errors.count) >= 0.95 { least = min(least, alarms / Double(right.count)) }
      }
      XCTAssertEqual(try XCTUnwrap(figures.aupr), precision, accuracy: 1e-12)
      XCTAssertEqual(try XCTUnwrap(figures.fprAt95TPR), least, accuracy: 1e-12)
    }
  }
}
