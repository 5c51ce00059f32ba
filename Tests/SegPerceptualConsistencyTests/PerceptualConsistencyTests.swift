import Foundation
import SegFormats
import SegKernels
import SegPerceptualConsistency
import SegTestSupport
import XCTest

/// The published function's own results (yizhezhang2000/SPC, e1a887f7), and what must hold whatever the frames.
final class PerceptualConsistencyTests: XCTestCase {
  /// Features `u(name)` as C×h×w, negative values set to 0 unless they are kept.
  private func features(_ name: String, _ height: Int, _ width: Int, signed: Bool = false) -> Tensor {
    Tensor(
      [16, height, width], ReferenceRule.values(name, count: 16 * height * width).map { signed ? $0 : max($0, 0) })
  }

  func testPublishedFunction() throws {
    let fixture = try Fixtures.archive("reference/perceptual_consistency.safetensors").tensors
    for name in ["same_size", "class_absent_in_b", "different_sizes", "signed_features"] {
      func labels(_ side: String) throws -> Labels {
        let tensor = try XCTUnwrap(fixture["\(name)/labels_\(side)"])
        return Labels(tensor.shape, tensor.scalars.map { Int32($0) })
      }
      let (a, b) = (try labels("a"), try labels("b")), signed = name == "signed_features"
      for threads in [1, 2] {
        let found = Threads.with(threads) {
          PerceptualConsistency(
            featuresA: features("features_a", a.shape[0], a.shape[1], signed: signed), labelsA: a,
            featuresB: features("features_b", b.shape[0], b.shape[1], signed: signed), labelsB: b)
        }
        assertClose(found.mapA, try XCTUnwrap(fixture["\(name)/map_a"]), tolerance: 1e-5, name)
        assertClose(found.mapB, try XCTUnwrap(fixture["\(name)/map_b"]), tolerance: 1e-5, name)
        for (value, key) in [(found.aToB, "pc_a_to_b"), (found.bToA, "pc_b_to_a"), (found.score, "pc")] {
          XCTAssertEqual(value, Double(try XCTUnwrap(fixture["\(name)/\(key)"]).scalars[0]), accuracy: 1e-5, name + key)
        }
      }
    }
  }

  /// A frame with itself scores 1, and so do constant labels; names of classes do not matter.
  func testProperties() {
    let a = features("a", 9, 14), b = features("b", 7, 5)
    let labelsA = Labels([9, 14], (0..<126).map { Int32($0 / 20) }),
      labelsB = Labels([7, 5], (0..<35).map { Int32($0 / 7) })
    func score(_ a: Tensor, _ labelsA: Labels, _ b: Tensor, _ labelsB: Labels) -> PerceptualConsistency {
      PerceptualConsistency(featuresA: a, labelsA: labelsA, featuresB: b, labelsB: labelsB)
    }
    XCTAssertEqual(score(a, labelsA, a, labelsA).score, 1, accuracy: 1e-6)
    XCTAssertEqual(
      score(a, Labels([9, 14], filledWith: 3), b, Labels([7, 5], filledWith: 3)).score, 1, accuracy: 1e-6)
    let found = score(a, labelsA, b, labelsB)
    XCTAssertLessThan(found.score, 0.99)
    func renamed(_ labels: Labels) -> Labels { Labels(labels.shape, labels.values.map { 100 - 3 * $0 }) }
    let other = score(a, renamed(labelsA), b, renamed(labelsB))
    XCTAssertEqual(found.score, other.score, accuracy: 1e-6)
    let swapped = score(b, labelsB, a, labelsA)
    XCTAssertEqual(found.aToB, swapped.bToA, accuracy: 1e-6)
    XCTAssertEqual(found.bToA, swapped.aToB, accuracy: 1e-6)
  }

  /// What divides by nothing: one colour everywhere, features of zeros, one position, labels that the other frame lacks.
  func testDegenerateFrames() {
    let flat = Tensor([3, 2, 4], filledWith: 0.7), zeros = Tensor.zeros([3, 2, 4])
    let labels = Labels([2, 4], [0, 0, 1, 1, 2, 2, 2, 2]), others = Labels([2, 4], [0, 0, 1, 1, 3, 3, 3, 3])
    for features in [flat, zeros] {
      let same = PerceptualConsistency(featuresA: features, labelsA: labels, featuresB: features, labelsB: labels)
      XCTAssertEqual(same.score, 1)
      XCTAssertTrue(same.mapA.scalars.allSatisfy { $0 == 1 })
    }
    // Alike everywhere: half of the pixels find no partner of their label.
    let half = PerceptualConsistency(featuresA: flat, labelsA: labels, featuresB: flat, labelsB: others)
    XCTAssertEqual(half.mapA.scalars, [1, 1, 1, 1, 0, 0, 0, 0])
    XCTAssertEqual([half.aToB, half.bToA], [0.5, 0.5])
    let one = Tensor([3, 1, 1], [1, 2, 3])
    XCTAssertEqual(
      PerceptualConsistency(
        featuresA: one, labelsA: Labels([1, 1], [5]), featuresB: one, labelsB: Labels([1, 1], [5])
      ).score, 1)
    // A label that the other frame lacks has v = 0, and a negative pc where similarities are positive.
    let a = features("a", 3, 4), b = features("b", 3, 4)
    var own = [Int32](repeating: 0, count: 12)
    own[5] = 9
    let absent = PerceptualConsistency(
      featuresA: a, labelsA: Labels([3, 4], own), featuresB: b, labelsB: Labels([3, 4], filledWith: 0))
    XCTAssertLessThan(absent.mapA.scalars[5], 0)
    XCTAssertTrue(absent.mapA.scalars.enumerated().allSatisfy { $0 == 5 || abs($1 - 1) < 1e-6 })
  }

  /// A window that holds the whole frame is the whole search; a smaller one never finds a better match.
  func testWindow() {
    let a = features("a", 6, 11), b = features("b", 6, 11)
    let labelsA = Labels([6, 11], (0..<66).map { Int32($0 / 20) }),
      labelsB = Labels([6, 11], (0..<66).map { Int32($0 % 4) })
    func score(_ search: PerceptualConsistency.Search) -> PerceptualConsistency {
      PerceptualConsistency(featuresA: a, labelsA: labelsA, featuresB: b, labelsB: labelsB, search: search)
    }
    let whole = score(.everywhere), wide = score(.window(radius: 11))
    assertClose(wide.mapA, whole.mapA, tolerance: 1e-5)
    assertClose(wide.mapB, whole.mapB, tolerance: 1e-5)
    XCTAssertNotEqual(score(.window(radius: 1)).score, whole.score, accuracy: 1e-4)
  }

  /// Given features, 1024×2048 at stride 8 runs at 75 % of sgemm's rate or more: the best of three, interleaved.
  func testSpeed() throws {
    guard ProcessInfo.processInfo.environment["SEGKERNELS_SLOW"] != nil else {
      throw XCTSkip("measures speed; set SEGKERNELS_SLOW=1 on an idle machine to run it")
    }
    var random = RandomSource(seed: 4)
    let shape: Shape = [128, 128, 256], n = 128 * 256
    let a = Tensor.normal(shape, using: &random).clamped(to: 0...10),
      b = Tensor.normal(shape, using: &random).clamped(to: 0...10)
    let labelsA = Labels([128, 256], (0..<n).map { Int32($0 / 2048) }),
      labelsB = Labels([128, 256], (0..<n).map { Int32(($0 + 700) % n / 2048) })
    let rows = a.reshaped(128, n).transposed(), clock = ContinuousClock()
    let panel = rows.slice(axis: 0, 0..<4096)
    var product = Double.infinity, measure = Double.infinity, windowed = Double.infinity
    for _ in 0..<3 {
      // 4096 × 32768 × 128: an eighth of the whole product.
      product = min(product, clock.measure { _ = linear(panel, weight: rows) }.seconds * 8)
      measure = min(
        measure,
        clock.measure {
          _ = PerceptualConsistency(featuresA: a, labelsA: labelsA, featuresB: b, labelsB: labelsB)
        }.seconds)
      windowed = min(
        windowed,
        clock.measure {
          _ = PerceptualConsistency(
            featuresA: a, labelsA: labelsA, featuresB: b, labelsB: labelsB, search: .window(radius: 8))
        }.seconds)
    }
    let rate = 2.0 * Double(n) * Double(n) * 128 / 1e9
    print(
      String(
        format:
          "perceptual consistency of 1024×2048: %.2f s (%.0f GFLOP/s), sgemm %.2f s (%.0f GFLOP/s), window 8 %.3f s",
        measure, rate / measure, product, rate / product, windowed))
    XCTAssertLessThan(product / measure, 10)
    XCTAssertGreaterThan(product / measure, 0.75)
  }
}
