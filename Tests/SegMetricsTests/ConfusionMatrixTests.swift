import Foundation
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

  /// `MulticlassJaccardIndex(num_classes=3)` of torchmetrics' documentation: 0.6667.
  func testExampleOfTorchmetrics() {
    var matrix = ConfusionMatrix(classes: 3)
    matrix.add(prediction: Labels([4], [2, 1, 0, 1]), truth: Labels([4], [2, 1, 0, 0]))
    XCTAssertEqual(matrix.meanIoU(), 0.6667, accuracy: 5e-5)
  }

  /// Pairs counted one by one, for sizes around the chunks that threads take, with every kind of stray label.
  func testCountsPixelByPixel() {
    var random = RandomSource(seed: 2)
    let labels: [Int32] = [0, 1, 2, 3, 4, 255, -1, .max, .min]
    for count in [0, 1, 1000, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 600_000] {
      // Runs of a few pixels, as pictures have them.
      func map() -> Labels {
        var values: [Int32] = []
        while values.count < count {
          values += Array(
            repeating: labels.randomElement(using: &random)!, count: Int.random(in: 1...9, using: &random))
        }
        return Labels([count], Array(values[..<count]))
      }
      let (prediction, truth) = (map(), map())
      var expected: [[Int32]: Int] = [:], void = 0
      for (p, t) in zip(prediction.values, truth.values) { expected[[t, p], default: 0] += 1 }
      for (pair, pixels) in expected where pair[1] == 2 && !(0..<4).contains(pair[0]) { void += pixels }
      for threads in [1, 3] {
        var matrix = ConfusionMatrix(classes: 4)
        Threads.with(threads) { matrix.add(prediction: prediction, truth: truth) }
        for t in 0..<4 {
          for p in 0..<4 {
            XCTAssertEqual(
              matrix.count(truth: t, prediction: p), expected[[Int32(t), Int32(p)]] ?? 0, "\(count) pixels")
          }
        }
        XCTAssertEqual(matrix.predictionCount(2, void: .falsePositive) - matrix.predictionCount(2), void)
      }
    }
  }

  /// The scores that are written down are those of the matrix.
  func testScoresAsValues() throws {
    var matrix = ConfusionMatrix(classes: 4)
    matrix.add(prediction: Labels([6], [0, 1, 1, 1, 0, 2]), truth: Labels([6], [0, 0, 1, 1, 2, 255]))
    let scores = SemanticScores(matrix, names: ["a", "b", "c", "d"])
    XCTAssertEqual(scores.absentClasses, ["d"])
    XCTAssertEqual(scores.classes.map(\.iou), matrix.iou())
    XCTAssertEqual(scores.classes.map(\.truthPixels), [2, 2, 1, 0])
    XCTAssertEqual(try XCTUnwrap(scores.meanDice), (0.5 + 0.8 + 0) / 3, accuracy: 1e-12)
    XCTAssertEqual(try JSONDecoder().decode(SemanticScores.self, from: JSONEncoder().encode(scores)), scores)
    XCTAssertNil(SemanticScores(ConfusionMatrix(classes: 1), names: ["a"]).meanIoU)
  }

  func testNoPixelsGiveNoScore() {
    XCTAssertTrue(ConfusionMatrix(classes: 3).meanIoU().isNaN)
  }
}
