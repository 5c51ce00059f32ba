import SegFormats
import SegKernels
import SegMetrics
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
}
