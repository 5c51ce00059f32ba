import Glibc
import SegKernels

extension Reference {
  /// 1 − (2 Σ p·y + s) / (Σ p + Σ y + s) of every class, over the pixels that are not ignored.
  ///
  /// - Returns: `[C]` for `.none`, else a scalar over the classes that occur.
  public static func diceLoss(
    _ probabilities: ReferenceArray, labels: [Int], ignoreIndex: Int = -100, smoothing: Double,
    reduction: LossReduction
  ) -> ReferenceArray {
    perClass(probabilities, labels, ignoreIndex, reduction) { p, isOwn in
      let overlap = zip(p, isOwn).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
      let whole = p.reduce(0, +) + Double(isOwn.count { $0 })
      return 1 - (2 * overlap + smoothing) / (whole + smoothing)
    }
  }

  /// Σ over the errors, largest first, of each times what the Jaccard loss grows by when its pixel turns wrong as well.
  ///
  /// - Returns: `[C]` for `.none`, else a scalar over the classes that occur.
  public static func lovaszLoss(
    _ probabilities: ReferenceArray, labels: [Int], ignoreIndex: Int = -100, reduction: LossReduction
  ) -> ReferenceArray {
    perClass(probabilities, labels, ignoreIndex, reduction) { p, isOwn in
      let errors = zip(p, isOwn).map { ($1 ? 1 - $0 : $0, $1) }
      let ordered = errors.enumerated().sorted { ($1.element.0, $0.offset) < ($0.element.0, $1.offset) }.map(\.element)
      /// 1 − |truth ∩ prediction| / |truth ∪ prediction| when the first pixels are wrong.
      func jaccardLoss(_ wrong: Int) -> Double {
        let truth = Double(isOwn.count { $0 }), missed = Double(ordered[..<wrong].count { $0.1 })
        return 1 - (truth - missed) / (truth + Double(wrong) - missed)
      }
      return ordered.indices.reduce(0) { $0 + ordered[$1].0 * (jaccardLoss($1 + 1) - jaccardLoss($1)) }
    }
  }

  /// ½ / r² · log det(Σ_YY − Σ_YP (Σ_PP + α)⁻¹ Σ_PY + α) of every image and class, Y and P the r×r regions of the labels and
  /// the probabilities after averages over squares of `stride` pixels.
  ///
  /// - Returns: `[N, C]` for `.none`, else a scalar.
  public static func regionMutualInformationLoss(
    _ probabilities: ReferenceArray, labels: [Int], ignoreIndex: Int = -100, region: Int, stride: Int,
    regularization: Double, reduction: LossReduction
  ) -> ReferenceArray {
    let (height, width) = (probabilities.shape[2], probabilities.shape[3])
    let losses = ReferenceArray([probabilities.shape[0], probabilities.shape[1]]) { index in
      func label(_ row: Int, _ column: Int) -> Int { labels[(index[0] * height + row) * width + column] }
      func samples(_ value: (_ row: Int, _ column: Int) -> Double) -> [[Double]] {
        let map = (0..<(height / stride)).map { row in
          (0..<(width / stride)).map { column -> Double in
            var sum = 0.0
            for y in (row * stride)..<((row + 1) * stride) {
              for x in (column * stride)..<((column + 1) * stride) where label(y, x) != ignoreIndex {
                sum += value(y, x)
              }
            }
            return sum / Double(stride * stride)
          }
        }
        return (0..<(region * region)).map { part in
          let values = (0...(map.count - region)).flatMap { row in
            (0...(map[0].count - region)).map { map[row + part / region][$0 + part % region] }
          }
          let mean = values.reduce(0, +) / Double(values.count)
          return values.map { $0 - mean }
        }
      }
      let y = samples { label($0, $1) == index[1] ? 1 : 0 }, p = samples { probabilities[at: index + [$0, $1]] }
      func covariance(_ a: [[Double]], _ b: [[Double]], _ diagonal: Double) -> [[Double]] {
        a.indices.map { row in
          b.indices.map { zip(a[row], b[$0]).reduce(0) { $0 + $1.0 * $1.1 } + (row == $0 ? diagonal : 0) }
        }
      }
      // Elimination in the block matrix [Σ_PP + α, Σ_PY; Σ_YP, Σ_YY + α] leaves the matrix of the loss below.
      let pp = covariance(p, p, regularization), py = covariance(p, y, 0), yp = covariance(y, p, 0)
      let yy = covariance(y, y, regularization)
      let upper = zip(pp, py).map { $0 + $1 }, lower = zip(yp, yy).map { $0 + $1 }
      let logarithms = eliminated(upper + lower)[(region * region)...].map { Glibc.log($0) }
      return logarithms.reduce(0, +) / Double(2 * region * region)
    }
    return reduced(losses, reduction)
  }

  /// The pivots of Gaussian elimination.
  private static func eliminated(_ matrix: [[Double]]) -> [Double] {
    var matrix = matrix
    for pivot in matrix.indices {
      for row in matrix.indices where row > pivot {
        let factor = matrix[row][pivot] / matrix[pivot][pivot]
        for column in matrix.indices { matrix[row][column] -= factor * matrix[pivot][column] }
      }
    }
    return matrix.indices.map { matrix[$0][$0] }
  }

  /// A loss of every class that occurs, from the probabilities of the labelled pixels and whether they are the class's.
  private static func perClass(
    _ probabilities: ReferenceArray, _ labels: [Int], _ ignoreIndex: Int, _ reduction: LossReduction,
    _ loss: ([Double], [Bool]) -> Double
  ) -> ReferenceArray {
    let classes = probabilities.shape[1]
    let pixels = Shape([probabilities.shape[0]] + probabilities.shape.dimensions[2...])
    let labelled = zip(indices(of: pixels), labels).filter { $0.1 != ignoreIndex }
    let losses = (0..<classes).map { c in
      labelled.contains { $0.1 == c }
        ? loss(labelled.map { probabilities[at: [$0.0[0], c] + $0.0[1...]] }, labelled.map { $0.1 == c }) : 0
    }
    let array = ReferenceArray([classes], losses)
    guard reduction == .mean else { return reduced(array, reduction) }
    return divide(sum(array), ReferenceArray([], [Double(Set(labelled.map(\.1)).count)]))
  }
}
