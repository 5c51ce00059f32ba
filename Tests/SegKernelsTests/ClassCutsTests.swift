import SegKernels
import XCTest

/// Clusters of classes: from eigenvectors to the number that a stage is asked for.
final class ClassCutsTests: XCTestCase {
  /// A v = λ v, vectors orthonormal, values rising; 3 and 1 for [[2, 1], [1, 2]].
  func testEigenvectors() {
    let known = symmetricEigenvectors(of: [[2, 1], [1, 2]])
    XCTAssertEqual(known.values[0], 1, accuracy: 1e-14)
    XCTAssertEqual(known.values[1], 3, accuracy: 1e-14)
    XCTAssertEqual(abs(known.vectors[1][0]), 0.5.squareRoot(), accuracy: 1e-14)
    var random = RandomSource(seed: 1)
    for n in [1, 3, 19, 70] {
      var matrix = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
      for i in 0..<n {
        for j in 0...i {
          matrix[i][j] = Double.random(in: -1..<1, using: &random)
          matrix[j][i] = matrix[i][j]
        }
      }
      let (values, vectors) = symmetricEigenvectors(of: matrix)
      XCTAssertEqual(values, values.sorted())
      for (i, vector) in vectors.enumerated() {
        for row in 0..<n {
          let image = zip(matrix[row], vector).reduce(0.0) { $0 + $1.0 * $1.1 }
          XCTAssertEqual(image, values[i] * vector[row], accuracy: 1e-12)
        }
        for (j, other) in vectors.enumerated() {
          XCTAssertEqual(zip(vector, other).reduce(0.0) { $0 + $1.0 * $1.1 }, i == j ? 1 : 0, accuracy: 1e-12)
        }
      }
    }
  }

  /// What clusters are called means nothing: equal partitions, equal targets.
  func testPermutingClusterIdsChangesNothing() {
    let clusters = ClassClusters([5, 5, 2, 9, 2])
    let labels = Labels([1, 2, 3], [0, 1, 2, 3, 4, 255])
    for numbers in [[0, 0, 1, 2, 1], [2, 2, 0, 1, 0], [-7, -7, 100, 3, 100]] {
      XCTAssertEqual(ClassClusters(numbers), clusters)
      XCTAssertEqual(ClassClusters(numbers).targets(of: labels, ignoreIndex: 255).values, [0, 0, 1, 2, 1, 255])
    }
    XCTAssertEqual(ClassClusters(groups: [[3], [2, 4], [0, 1]], classes: 5), clusters)
    XCTAssertEqual(clusters.groups, [[0, 1], [2, 4], [3]])
    let separate = ClassClusters.separate(5)
    XCTAssertEqual(separate.targets(of: labels, ignoreIndex: 255), labels)
    XCTAssertEqual(ClassClusters([1, 1, 1, 1, 1]).targets(of: labels, ignoreIndex: 255).values, [0, 0, 0, 0, 0, 255])
    XCTAssertTrue(separate.refines(clusters))
    XCTAssertFalse(clusters.refines(separate))
  }

  /// Confusion within blocks alone: cut into as many clusters as there are blocks, these are the blocks.
  func testClustersOfABlockDiagonalConfusionAreItsBlocks() {
    var random = RandomSource(seed: 2)
    for sizes in [[2, 2], [3, 2, 1], [4, 3, 3, 2], [5, 1], [2, 2, 2, 2, 2]] {
      let blocks = ClassClusters(
        sizes.enumerated().flatMap { [Int](repeating: $0, count: $1) }.shuffled(using: &random))
      let counts = (0..<blocks.classes).map { truth in
        (0..<blocks.classes).map { prediction -> Double in
          guard blocks.assignment[truth] == blocks.assignment[prediction] else { return 0 }
          return truth == prediction ? 1000 : Double.random(in: 200..<400, using: &random)
        }
      }
      for kind in ClassCuts.Kind.allCases {
        let cuts = ClassCuts(ClassConfusion(counts), kind, seed: 3)
        XCTAssertEqual(cuts(blocks.count), blocks, "\(kind) \(sizes)")
        XCTAssertEqual(cuts.clusters.map(\.count), Array(1...blocks.classes), "\(kind) \(sizes)")
        XCTAssertEqual(cuts(blocks.classes), .separate(blocks.classes))
        XCTAssertEqual(cuts.curve[blocks.count - 1], 1, "blocks are never confused")
      }
    }
  }

  /// With a little confusion everywhere and a pair that is taken for each other, the pair is the one that N − 1 clusters
  /// do not tell apart; nested cuts keep it together at every smaller number.
  func testConfusedPairMergesFirst() {
    var random = RandomSource(seed: 4)
    for classes in [3, 7, 19] {
      for _ in 0..<5 {
        let pair = Array((0..<classes).shuffled(using: &random).prefix(2))
        let counts = (0..<classes).map { truth in
          (0..<classes).map { prediction -> Double in
            if truth == prediction { return 1000 }
            return Set([truth, prediction]) == Set(pair) ? 600 : Double.random(in: 0..<30, using: &random)
          }
        }
        var numbers = Array(0..<classes)
        numbers[pair[0]] = numbers[pair[1]]
        for kind in ClassCuts.Kind.allCases {
          let cuts = ClassCuts(ClassConfusion(counts), kind, seed: 5)
          XCTAssertEqual(cuts(classes - 1), ClassClusters(numbers), "\(kind), \(pair) of \(classes)")
          guard kind == .nested else { continue }
          for count in 2..<classes {
            XCTAssertTrue(cuts(count).refines(cuts(count - 1)), "\(count) of \(classes)")
            XCTAssertEqual(cuts(count).assignment[pair[0]], cuts(count).assignment[pair[1]])
          }
        }
      }
    }
  }

  /// Merging the matrix is counting merged labels.
  func testMergedConfusionIsThatOfMergedLabels() {
    var random = RandomSource(seed: 6)
    let clusters = ClassClusters([0, 1, 0, 2, 1, 3])
    let pixels = (0..<4000).map { _ -> (Int, Int) in
      let truth = Int.random(in: 0..<6, using: &random)
      return (truth, Bool.random(using: &random) ? truth : Int.random(in: 0..<6, using: &random))
    }
    func counts(_ classes: Int, _ number: (Int) -> Int) -> ClassConfusion {
      var counts = [[Double]](repeating: [Double](repeating: 0, count: classes), count: classes)
      for (truth, prediction) in pixels { counts[number(truth)][number(prediction)] += 1 }
      return ClassConfusion(counts)
    }
    let merged = counts(6) { $0 }.merged(by: clusters)
    XCTAssertEqual(merged, counts(4) { clusters.assignment[$0] })
    let direct = (0..<4).map { cluster -> Double in
      let truth = pixels.map { clusters.assignment[$0.0] == cluster }
      let found = pixels.map { clusters.assignment[$0.1] == cluster }
      let both = zip(truth, found).filter { $0 && $1 }.count, either = zip(truth, found).filter { $0 || $1 }.count
      return Double(both) / Double(either)
    }
    XCTAssertEqual(merged.meanIoU, direct.reduce(0, +) / 4, accuracy: 1e-12)
    XCTAssertEqual(counts(6) { $0 }.merged(by: ClassClusters([0, 0, 0, 0, 0, 0])).meanIoU, 1)
  }

  /// Class 4 has no pixels but is predicted for class 1; class 2 is neither there nor predicted.
  func testClassesWithoutPixels() {
    let counts: [[Double]] = [
      [90, 10, 0, 0, 0], [10, 60, 0, 0, 30], [0, 0, 0, 0, 0], [0, 1, 0, 99, 0], [0, 0, 0, 0, 0],
    ]
    for kind in ClassCuts.Kind.allCases {
      let cuts = ClassCuts(ClassConfusion(counts), kind)
      XCTAssertEqual(cuts.clusters.map(\.count), [1, 2, 3, 4, 5])
      XCTAssertEqual(cuts(2), ClassClusters([0, 0, 1, 0, 0]), "2 stays alone")
      XCTAssertEqual(cuts(3), ClassClusters([0, 0, 1, 2, 0]), "4 goes with 1")
      XCTAssertEqual(cuts(4), ClassClusters([0, 1, 2, 3, 1]))
    }
  }

  /// The largest k on or above the ray; 2 at least; all classes for a stage as good as the last.
  func testAngleRule() {
    // The ray to 0.6 at 5 classes passes 0.12, 0.24, 0.36, 0.48, 0.6.
    XCTAssertEqual(clusterCount(curve: [1, 0.8, 0.5, 0.3, 0.2], final: 0.6), 3)
    XCTAssertEqual(clusterCount(curve: [1, 0.8, 0.3, 0.5, 0.2], final: 0.6), 4, "the largest, though 3 lies below")
    XCTAssertEqual(clusterCount(curve: [1, 0.1, 0.1, 0.1, 0.1], final: 0.6), 2)
    XCTAssertEqual(clusterCount(curve: [1, 0.9, 0.8, 0.7, 0.6], final: 0.6), 5)
    XCTAssertEqual(clusterCount(curve: [1], final: 0.6), 1)
    // Other scalings: (k − 1)/4 makes 0, 0.15, 0.3, 0.45, 0.6 of it, log k / log 5 0, 0.26, 0.41, 0.52, 0.6.
    let curve = [1, 0.8, 0.5, 0.46, 0.2]
    XCTAssertEqual(clusterCount(curve: curve, final: 0.6, axis: .share), 3)
    XCTAssertEqual(clusterCount(curve: curve, final: 0.6, axis: .steps), 4)
    XCTAssertEqual(clusterCount(curve: [1, 0.8, 0.4, 0.5, 0.2], final: 0.6, axis: .logarithm), 2)
    for axis in ComplexityAxis.allCases { XCTAssertEqual(axis(7, of: 7), 1, accuracy: 1e-15) }
  }

  /// Far groups are found whatever the start; as many clusters as points, and no empty ones among equal points.
  func testKMeans() {
    var random = RandomSource(seed: 7)
    let centres = [[0.0, 0], [10, 0], [0, 10]]
    let points = (0..<60).map { index in centres[index % 3].map { $0 + Double.random(in: -1..<1, using: &random) } }
    let found = kMeans(points, 3, restarts: 5, using: &random)
    XCTAssertEqual(ClassClusters(found), ClassClusters((0..<60).map { $0 % 3 }))
    XCTAssertEqual(Set(kMeans(Array(points.prefix(6)), 6, restarts: 1, using: &random)).count, 6)
    XCTAssertEqual(Set(kMeans([[1.0], [1], [1], [2]], 3, restarts: 1, using: &random)).count, 3)
  }
}
