import Foundation
import SegKernels
import SegMetrics
import SegPerceptualConsistency
import SegTestSupport
import XCTest

/// Foretelling where labels are right, and the regulariser, against their definitions.
final class CorrectnessPredictionTests: XCTestCase {
  private func features(_ name: String, _ height: Int, _ width: Int) -> Tensor {
    Tensor([8, height, width], ReferenceRule.values(name, count: 8 * height * width).map { max($0, 0) })
  }

  /// Against the frame itself with its truth: 1 where the prediction is right, less where it is wrong; the errors are
  /// told from the rest, while an even confidence tells nothing.
  func testErrorsAreFound() throws {
    let frame = features("a", 6, 9), truth = Labels([6, 9], (0..<54).map { Int32($0 % 3) })
    var wrong = truth.values
    for place in [3, 17, 30, 41] { wrong[place] = (wrong[place] + 1) % 3 }
    let prediction = CorrectnessPrediction(
      features: frame, prediction: Labels([6, 9], wrong), labelledFeatures: frame, truth: truth)
    let score = prediction.score(confidence: Tensor([6, 9], filledWith: 0.5)).scalars
    var found = ErrorDetection()
    for (place, value) in score.enumerated() {
      let isError = wrong[place] != truth.values[place]
      found.add(suspicion: 1 - value, isError: isError)
      if isError { XCTAssertLessThan(value, 0.5) } else { XCTAssertEqual(value, 0.5, accuracy: 1e-6) }
    }
    XCTAssertEqual(try XCTUnwrap(found.figures.auroc), 1)
    // Enlarged, and with a confidence of its own.
    XCTAssertEqual(prediction.score(confidence: Tensor([12, 18], filledWith: 1)).shape, [12, 18])
    XCTAssertTrue(prediction.consistency(height: 24, width: 36).scalars.allSatisfy { $0 >= 0 && $0 <= 1 })
  }

  /// What is ignored in the labelled frame supports no label and contradicts none.
  func testIgnoredTruth() {
    let frame = features("a", 4, 4)
    var truth = (0..<16).map { Int32($0 % 2) }
    let whole = CorrectnessPrediction(
      features: frame, prediction: Labels([4, 4], truth), labelledFeatures: frame, truth: Labels([4, 4], truth))
    XCTAssertTrue(whole.map.scalars.allSatisfy { abs($0 - 1) < 1e-6 })
    let own = truth
    truth[5] = 255
    let partial = CorrectnessPrediction(
      features: frame, prediction: Labels([4, 4], own), labelledFeatures: frame, truth: Labels([4, 4], truth))
    // The pixel's perfect match is gone: its best one is now a worse one, of whatever label.
    for (place, value) in partial.map.scalars.enumerated() where place != 5 { XCTAssertEqual(value, 1, accuracy: 1e-6) }
  }

  /// The regression finds the weights that made its samples.
  func testCalibration() {
    var random = RandomSource(seed: 6)
    let samples = (0..<40_000).map { _ -> (consistency: Float, confidence: Float, isRight: Bool) in
      let (c, p) = (random.nextUniform(), random.nextUniform())
      let right = 1 / (1 + exp(-(-1 + 2 * Double(c) + 1.5 * Double(p))))
      return (c, p, Double(random.nextUniform()) < right)
    }
    let fitted = CorrectnessPrediction.Calibrated(fitting: samples)
    // The ridge pulls the last two a little towards 0.
    for (found, expected) in zip(fitted.weights, [-1, 2, 1.5]) { XCTAssertEqual(found, expected, accuracy: 0.15) }
    let p = fitted(consistency: Tensor([1, 1], [0.5]), confidence: Tensor([1, 1], [0.5]))
    XCTAssertEqual(
      p.scalar, Float(1 / (1 + exp(-(fitted.weights[0] + 0.5 * fitted.weights[1] + 0.5 * fitted.weights[2])))),
      accuracy: 1e-6)
    XCTAssertEqual(CorrectnessPrediction.Calibrated(fitting: []).weights, [0, 0, 0])
    let separable = CorrectnessPrediction.Calibrated(fitting: [(0, 0, false), (1, 1, true)])
    XCTAssertTrue(separable.weights.allSatisfy(\.isFinite))
  }

  /// j* and w as the definition reads.
  func testCorrespondence() {
    let a = features("a", 3, 100), b = features("b", 5, 4)
    let found = Correspondence(from: a, to: b)
    func vector(_ features: Tensor, _ place: Int) -> [Double] {
      let area = features.shape[1] * features.shape[2]
      let values = (0..<8).map { Double(features.scalars[$0 * area + place]) }
      let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return values.map { length > 0 ? $0 / length : 0 }
    }
    for place in 0..<300 {
      let own = vector(a, place)
      let similarities = (0..<20).map { zip(own, vector(b, $0)).reduce(0) { $0 + $1.0 * $1.1 } }
      XCTAssertEqual(similarities[Int(found.matches[place])], similarities.max()!, accuracy: 1e-5)
      XCTAssertEqual(Double(found.weights[place]), max(similarities.max()!, 0), accuracy: 1e-5)
    }
  }

  /// The loss as written, and its gradient in A's logits alone against central differences.
  func testLossAndGradient() {
    let logitsA = ReferenceRule.tensor("a", [1, 3, 2, 4]), logitsB = ReferenceRule.tensor("b", [1, 3, 3, 2])
    let matches: [Int32] = [0, 5, 3, 3, 1, 2, 4, 0], weights: [Float] = [1, 0.5, 0.2, 1, 0, 0.9, 0.3, 0.7]
    let correspondence = Correspondence(matches: matches, weights: weights)
    func reference(_ a: [Double], _ b: [Double]) -> Double {
      func softmax(_ x: [Double], _ area: Int, _ place: Int) -> [Double] {
        let e = (0..<3).map { exp(x[$0 * area + place]) }, sum = e.reduce(0, +)
        return e.map { $0 / sum }
      }
      return (0..<8).reduce(0.0) { sum, i in
        let p = softmax(a, 8, i), q = softmax(b, 6, Int(matches[i]))
        return sum + Double(weights[i]) * (1 - zip(p, q).reduce(0) { $0 + $1.0 * $1.1 })
      } / 8
    }
    let (value, gradients) = valueAndGradient(at: [logitsA, logitsB]) {
      perceptualConsistencyLoss($0[0], $0[1], correspondence)
    }
    let a = logitsA.scalars.map(Double.init), b = logitsB.scalars.map(Double.init)
    XCTAssertEqual(Double(value.scalar), reference(a, b), accuracy: 1e-6)
    for place in a.indices {
      var (up, down) = (a, a)
      up[place] += 1e-5
      down[place] -= 1e-5
      XCTAssertEqual(
        Double(gradients[0].scalars[place]), (reference(up, b) - reference(down, b)) / 2e-5, accuracy: 1e-6)
    }
    XCTAssertTrue(gradients[1].scalars.allSatisfy { $0 == 0 })
    // Both sure of the same class everywhere: nothing is left.
    var sure = [Float](repeating: -30, count: 24)
    for place in 8..<16 { sure[place] = 30 }
    var other = [Float](repeating: -30, count: 18)
    for place in 6..<12 { other[place] = 30 }
    XCTAssertEqual(
      perceptualConsistencyLoss(Tensor([1, 3, 2, 4], sure), Tensor([1, 3, 3, 2], other), correspondence).scalar, 0,
      accuracy: 1e-6)
  }
}
