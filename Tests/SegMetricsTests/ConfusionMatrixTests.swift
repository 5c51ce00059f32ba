import SegKernels
import SegMetrics
import XCTest

final class ConfusionMatrixTests: XCTestCase {
  /// Worked by hand: truth 0 0 1 1 2 v, prediction 0 1 1 1 0 2 with v void and class 3 nowhere.
  func testScoresByHand() throws {
    var matrix = ConfusionMatrix(classes: 4, ignoreIndex: 255)
    matrix.add(prediction: Labels([2, 3], [0, 1, 1, 1, 0, 2]), truth: Labels([2, 3], [0, 0, 1, 1, 2, 255]))
    XCTAssertEqual(matrix.iou(), [1.0 / 3, 2.0 / 3, 0, nil])
    XCTAssertEqual(matrix.meanIoU(), 1.0 / 3, accuracy: 1e-12)
    XCTAssertEqual(matrix.absentClasses, [3])
    XCTAssertEqual(matrix.pixelAccuracy, 3.0 / 5)
    XCTAssertEqual(matrix.classAccuracy, [0.5, 1, 0, nil])
    XCTAssertEqual(matrix.frequencyWeightedIoU, (2 * 1.0 / 3 + 2 * 2.0 / 3) / 5, accuracy: 1e-12)
    XCTAssertEqual(try XCTUnwrap(matrix.dice()[1]), 4.0 / 5, accuracy: 1e-12)
    // With void counted, the void pixel is a false positive of class 2, whose IoU is 0 already.
    XCTAssertEqual(matrix.iou(void: .falsePositive), [1.0 / 3, 2.0 / 3, 0, nil])
    matrix.add(prediction: Labels([1], [0]), truth: Labels([1], [255]))
    XCTAssertEqual(matrix.iou(void: .falsePositive)[0], 1.0 / 4)
    XCTAssertEqual(matrix.iou()[0], 1.0 / 3)
  }

  /// A prediction that is no class is wrong, and nobody's false positive.
  func testPredictionsThatAreNoClass() {
    var matrix = ConfusionMatrix(classes: 2)
    matrix.add(prediction: Labels([3], [7, -1, 1]), truth: Labels([3], [0, 1, 1]))
    XCTAssertEqual(matrix.iou(), [0, 0.5])
  }

  /// Images counted apart and added are the images counted together.
  func testCountsAddUp() {
    var random = RandomSource(seed: 1)
    func labels() -> Labels { Labels([50], (0..<50).map { _ in Int32.random(in: 0..<5, using: &random) }) }
    let pairs = (0..<4).map { _ in (labels(), labels()) }
    var whole = ConfusionMatrix(classes: 5), sum = ConfusionMatrix(classes: 5)
    for (prediction, truth) in pairs {
      whole.add(prediction: prediction, truth: truth)
      var part = ConfusionMatrix(classes: 5)
      part.add(prediction: prediction, truth: truth)
      sum += part
    }
    XCTAssertEqual(whole, sum)
    XCTAssertEqual(whole.labelled, 200)
  }

  func testNoPixelsGiveNoScore() {
    XCTAssertTrue(ConfusionMatrix(classes: 3).meanIoU().isNaN)
  }
}
