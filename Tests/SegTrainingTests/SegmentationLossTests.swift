import Foundation
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

final class SegmentationLossTests: XCTestCase {
  private let logits: Tensor = {
    var random = RandomSource(seed: 8)
    return .normal([2, 3, 16, 20], using: &random)
  }()
  private let labels = Labels([2, 16, 20], (0..<640).map { $0 % 7 == 0 ? 255 : Int32($0 / 50 % 3) })

  private func loss(_ change: (inout Recipe.Loss) -> Void, classWeights: Tensor? = nil) -> Float {
    var recipe = Recipe.Loss()
    change(&recipe)
    return SegmentationLoss(recipe, classWeights: classWeights)(logits, labels, ignoreIndex: 255).scalar
  }

  /// Every key reaches the function that it names.
  func testKeysAreTheLosses() {
    let plain = crossEntropy(logits, labels, ignoreIndex: 255).scalar, p = softmax(logits)
    XCTAssertEqual(loss { _ in }, plain)
    XCTAssertEqual(
      loss { $0.labelSmoothing = 0.1 },
      crossEntropy(logits, labels, ignoreIndex: 255, labelSmoothing: 0.1).scalar)
    XCTAssertEqual(
      loss { $0.focusing = 2 }, focalLoss(logits, labels, focusing: 2, ignoreIndex: 255).scalar)
    XCTAssertEqual(
      loss {
        $0.hardThreshold = 0.4
        $0.hardShare = 0.25
      },
      crossEntropy(
        logits, labels, ignoreIndex: 255, hardExamples: HardExamples(threshold: 0.4, minimum: .share(0.25))
      ).scalar)
    XCTAssertEqual(
      loss {
        $0.hardThreshold = 0.05
        $0.hardCount = 50
      },
      crossEntropy(
        logits, labels, ignoreIndex: 255, hardExamples: HardExamples(threshold: 0.05, minimum: .count(50))
      ).scalar)
    let weights = Tensor([3], [1, 2, 0.5])
    let weighted = crossEntropy(logits, labels, ignoreIndex: 255, classWeights: weights).scalar
    XCTAssertEqual(loss({ $0.classWeights = .logarithmic }, classWeights: weights), weighted)
    XCTAssertEqual(
      loss {
        $0.classWeights = .list
        $0.classWeightList = [1, 2, 0.5]
      }, weighted)
    XCTAssertEqual(
      loss {
        $0.crossEntropy = 0.5
        $0.dice = 2
        $0.lovasz = 3
        $0.regionMutualInformation = 4
      },
      0.5 * plain + 2 * diceLoss(p, labels, ignoreIndex: 255).scalar
        + 3 * lovaszLoss(p, labels, ignoreIndex: 255).scalar
        + 4 * regionMutualInformationLoss(p, labels, ignoreIndex: 255).scalar, accuracy: 1e-5)
    XCTAssertEqual(
      loss {
        $0.crossEntropy = 0
        $0.lovasz = 1
      }, lovaszLoss(p, labels, ignoreIndex: 255).scalar)
  }

  /// InverseForm's weights of a batch by hand: 2 − share where a class occurs, else 1.
  func testWeightsOfABatch() {
    let labels = Labels([1, 2, 4], [0, 0, 0, 1, 255, 255, 0, 255])
    let logits = Tensor([1, 3, 2, 4], (0..<24).map { Float($0 % 5) / 3 })
    var recipe = Recipe.Loss()
    recipe.classWeights = .batch
    XCTAssertEqual(
      SegmentationLoss(recipe)(logits, labels, ignoreIndex: 255).scalar,
      crossEntropy(logits, labels, ignoreIndex: 255, classWeights: Tensor([3], [1.2, 1.8, 1])).scalar, accuracy: 1e-6)
  }

  /// The released form by hand: each image's weighted mean, added up; weights of both images together.
  func testReleasedWeights() {
    let labels = Labels([2, 1, 4], [0, 0, 0, 1, 255, 255, 0, 255])
    let logits = Tensor([2, 3, 1, 4], (0..<24).map { Float($0 % 5) / 3 })
    var recipe = Recipe.Loss()
    recipe.classWeights = .released
    let weights = Tensor([3], [1.2, 1.8, 1])
    let images = (0..<2).map { image in
      crossEntropy(
        logits.slice(axis: 0, image..<(image + 1)),
        Labels([1, 1, 4], Array(labels.values[(4 * image)..<(4 * image + 4)])),
        ignoreIndex: 255, classWeights: weights
      ).scalar
    }
    XCTAssertEqual(
      SegmentationLoss(recipe)(logits, labels, ignoreIndex: 255).scalar, images[0] + images[1], accuracy: 1e-6)
    // Images without labels add nothing.
    let none = Labels([2, 1, 4], [0, 0, 0, 1, 255, 255, 255, 255])
    XCTAssertTrue(SegmentationLoss(recipe)(logits, none, ignoreIndex: 255).scalar.isFinite)
  }

  func testProblemsAreNamed() {
    func problems(_ change: (inout Recipe.Loss) -> Void) -> String {
      var recipe = Recipe()
      change(&recipe.loss)
      return recipe.problems.filter { $0.hasPrefix("loss") }.joined()
    }
    XCTAssertEqual(problems { _ in }, "")
    XCTAssertTrue(problems { $0.hardThreshold = 2 }.contains("hardThreshold: expected 0...1, found 2.0"))
    XCTAssertTrue(problems { $0.classWeights = .list }.contains("classWeightList"))
    XCTAssertTrue(problems { $0.classWeightList = [1] }.contains("classWeightList"))
    XCTAssertTrue(problems { $0.crossEntropy = 0 }.contains("one of them positive"))
    XCTAssertTrue(problems { $0.dice = -1 }.contains("at least 0"))
    XCTAssertTrue(problems { $0.attention = -1 }.contains("loss.attention: expected at least 0"))
    XCTAssertTrue(problems { $0.depth = -1 }.contains("loss.depth: expected at least 0"))
    XCTAssertTrue(
      problems {
        $0.classWeights = .released
        $0.focusing = 2
      }.contains("'released'"))
    XCTAssertTrue(
      problems {
        $0.focusing = 2
        $0.labelSmoothing = 0.1
      }.contains("focusing"))
  }
}
