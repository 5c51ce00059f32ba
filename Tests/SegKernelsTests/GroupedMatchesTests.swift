import SegKernels
import SegTestSupport
import XCTest

/// Maxima from tiles against every inner product written out.
final class GroupedMatchesTests: XCTestCase {
  private func expected(
    _ a: [Float], _ groupsA: [Int32], _ b: [Float], _ groupsB: [Int32], _ k: Int, isNear: (Int, Int) -> Bool
  ) -> (own: [Double], other: [Double]) {
    var own = groupsA.map { _ in -Double.infinity }, other = own
    for i in groupsA.indices {
      for j in groupsB.indices where isNear(i, j) {
        let product = (0..<k).reduce(0.0) { $0 + Double(a[i * k + $1]) * Double(b[j * k + $1]) }
        if groupsA[i] == groupsB[j] { own[i] = max(own[i], product) } else { other[i] = max(other[i], product) }
      }
    }
    return (own, other)
  }

  private func assertEqual(_ found: [Float], _ expected: [Double], _ title: String) {
    XCTAssertEqual(found.count, expected.count, title)
    for (found, expected) in zip(found, expected) {
      if expected == -.infinity {
        XCTAssertEqual(found, -.infinity, title)
      } else {
        XCTAssertEqual(Double(found), expected, accuracy: 1e-5, title)
      }
    }
  }

  /// Sizes around those of tiles and vectors, few and many groups, groups that one side lacks, nothing at all; the same
  /// bits at 1, 2 and 3 threads, right at every instruction set.
  func testAgainstDefinition() {
    for (n, m, k, kinds) in [
      (1, 1, 1, 1), (3, 5, 2, 2), (130, 17, 7, 3), (129, 515, 4, 400), (5, 1030, 3, 4), (257, 513, 9, 1), (0, 4, 2, 2),
      (4, 0, 2, 2), (3, 4, 0, 2),
    ] {
      let a = ReferenceRule.tensor("a", [n, k]), b = ReferenceRule.tensor("b", [m, k])
      var random = RandomSource(seed: 3)
      let groupsA = (0..<n).map { _ in Int32.random(in: 0..<Int32(kinds), using: &random) * 3 - 5 }
      let groupsB = (0..<m).map { _ in Int32.random(in: 0...Int32(kinds), using: &random) * 3 - 5 }
      let ofA = expected(a.scalars, groupsA, b.scalars, groupsB, k) { _, _ in true }
      let ofB = expected(b.scalars, groupsB, a.scalars, groupsA, k) { _, _ in true }
      for level in InstructionSet.allCases where level.isSupported {
        level.use {
          let title = "\(n)×\(m)×\(k), \(kinds) groups, \(level)"
          let first = Threads.with(1) { groupedMatches(a, groups: groupsA, b, groups: groupsB) }
          assertEqual(first.ownA, ofA.own, title)
          assertEqual(first.otherA, ofA.other, title)
          assertEqual(first.ownB, ofB.own, title)
          assertEqual(first.otherB, ofB.other, title)
          for threads in 2...3 {
            let again = Threads.with(threads) { groupedMatches(a, groups: groupsA, b, groups: groupsB) }
            XCTAssertEqual(again, first, "\(title), \(threads) threads")
          }
        }
      }
    }
  }

  /// Windows that end at borders, cover everything, or a place alone.
  func testWindows() {
    for (size, radius) in [(Pair(height: 5, width: 7), 1), ([3, 70], 4), ([9, 33], 0), ([4, 6], 40)] as [(Pair, Int)] {
      let count = size.height * size.width, k = 5
      let a = ReferenceRule.tensor("a", [count, k]), b = ReferenceRule.tensor("b", [count, k])
      let groupsA = (0..<count).map { Int32($0 * 7 % 4) }, groupsB = (0..<count).map { Int32($0 * 5 % 3) }
      func isNear(_ i: Int, _ j: Int) -> Bool {
        abs(i / size.width - j / size.width) <= radius && abs(i % size.width - j % size.width) <= radius
      }
      let found = windowedMatches(a, groups: groupsA, b, groups: groupsB, size: size, radius: radius)
      let ofA = expected(a.scalars, groupsA, b.scalars, groupsB, k, isNear: isNear)
      let ofB = expected(b.scalars, groupsB, a.scalars, groupsA, k, isNear: isNear)
      assertEqual(found.ownA, ofA.own, "\(size), \(radius)")
      assertEqual(found.otherA, ofA.other, "\(size), \(radius)")
      assertEqual(found.ownB, ofB.own, "\(size), \(radius)")
      assertEqual(found.otherB, ofB.other, "\(size), \(radius)")
    }
  }
}
