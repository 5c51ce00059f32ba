import SegKernels
import XCTest

/// Distances against the search over all pixels that defines them.
final class DistanceTransformTests: XCTestCase {
  private let sizes: [(height: Int, width: Int)] = [
    (1, 1), (1, 2), (2, 1), (1, 17), (13, 1), (5, 7), (16, 16), (17, 31), (33, 19), (3, 300), (300, 3),
  ]

  /// The least |p − q|² over the pixels q that `isTarget` accepts for p; infinity where it is beyond the radius.
  private func search(
    _ labels: Labels, within radius: Int?, _ isTarget: (_ here: Int32, _ there: Int32) -> Bool
  ) -> [Int32] {
    let (height, width) = (labels.shape[0], labels.shape[1]), values = labels.values
    return values.indices.map { p in
      var least = Int.max
      for q in values.indices where isTarget(values[p], values[q]) {
        let (dy, dx) = (p / width - q / width, p % width - q % width)
        least = min(least, dy * dy + dx * dx)
      }
      return least <= (radius ?? height + width) * (radius ?? height + width)
        ? Int32(least) : DistanceTransform.infinity
    }
  }

  private func check(_ labels: Labels, _ note: String) {
    for radius in [nil, 0, 1, 2, 5] {
      XCTAssertEqual(
        DistanceTransform.squared(to: labels, within: radius).values, search(labels, within: radius) { $1 != 0 },
        "mask \(note), radius \(radius as Any)")
      XCTAssertEqual(
        DistanceTransform.squaredToOtherLabel(labels, within: radius).values,
        search(labels, within: radius) { $0 != $1 }, "labels \(note), radius \(radius as Any)")
    }
  }

  func testAgainstTheSearchOverAllPixels() {
    var random = RandomSource(seed: 5)
    for level in InstructionSet.allCases where level.isSupported {
      level.use {
        for (height, width) in sizes {
          for (count, share) in [(1, 0.0), (2, 0.02), (2, 0.5), (5, 0.1), (5, 1)] as [(Int32, Float)] {
            // Sparse pixels of other labels on a ground of 0.
            let values = (0..<(height * width)).map { _ in
              random.nextUniform() < share ? Int32.random(in: 0..<count, using: &random) : 0
            }
            check(Labels([height, width], values), "\(level) \(height)×\(width) \(count) \(share)")
          }
          let blocks = (0..<(height * width)).map { Int32($0 / width / 6 + 3 * ($0 % width / 5)) }
          check(Labels([height, width], blocks), "\(level) \(height)×\(width) blocks")
        }
      }
    }
  }

  /// Planes do not see each other, and threads do not change a bit.
  func testPlanesAndThreads() {
    var random = RandomSource(seed: 6)
    let planes = (0..<3).map { plane in
      Labels([70, 600], (0..<(70 * 600)).map { _ in plane == 1 ? 4 : random.nextUniform() < 0.01 ? 1 : 0 })
    }
    let batch = Labels([3, 1, 70, 600], planes.flatMap(\.values))
    for threads in [1, 2, 3] {
      Threads.with(threads) {
        XCTAssertEqual(
          DistanceTransform.squaredToOtherLabel(batch).values,
          planes.flatMap { DistanceTransform.squaredToOtherLabel($0).values }, "\(threads) threads")
        XCTAssertEqual(
          DistanceTransform.squared(to: batch).values, planes.flatMap { DistanceTransform.squared(to: $0).values })
      }
    }
    XCTAssertEqual(Set(DistanceTransform.squaredToOtherLabel(planes[1]).values), [DistanceTransform.infinity])
    XCTAssertEqual(DistanceTransform.squared(to: Labels([0, 5], [])).count, 0)
  }

  /// The longest sides: squares of distances that doubles must hold exactly.
  func testLongRows() {
    let width = 32_767
    var values = [Int32](repeating: 0, count: 2 * width)
    values[0] = 1
    values[2 * width - 1] = 1
    let distances = DistanceTransform.squared(to: Labels([2, width], values)).values
    for x in 0..<width {
      let (left, right) = (x, width - 1 - x)
      XCTAssertEqual(Int(distances[x]), min(left * left, right * right + 1))
      XCTAssertEqual(Int(distances[width + x]), min(left * left + 1, right * right))
    }
  }
}
