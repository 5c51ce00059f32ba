import Glibc
import SegKernels

/// A 3×3 matrix as rows.
private typealias Rows = [[Double]]

private func product(_ a: Rows, _ b: Rows) -> Rows {
  (0..<3).map { i in (0..<3).map { j in (0..<3).reduce(0) { $0 + a[i][$1] * b[$1][j] } } }
}

private func transposed(_ a: Rows) -> Rows { (0..<3).map { j in (0..<3).map { a[$0][j] } } }

/// Rows multiplied as vectors.
private func cross(_ a: [Double], _ b: [Double]) -> [Double] {
  (0..<3).map { i in
    let (j, k) = ((i + 1) % 3, (i + 2) % 3)
    return a[j] * b[k] - a[k] * b[j]
  }
}

private func determinant(_ a: Rows) -> Double { zip(a[0], cross(a[1], a[2])).reduce(0) { $0 + $1.0 * $1.1 } }

/// Gauss and Jordan: rows of [A | I] are combined until the left half is I.
private func inverse(_ a: Rows) -> Rows {
  var rows = (0..<3).map { i in a[i] + (0..<3).map { $0 == i ? 1 : 0 } }
  for column in 0..<3 {
    let pivot = (column..<3).max { abs(rows[$0][column]) < abs(rows[$1][column]) }!
    rows.swapAt(column, pivot)
    rows[column] = rows[column].map { $0 / rows[column][column] }
    for row in 0..<3 where row != column {
      let factor = rows[row][column]
      rows[row] = (0..<6).map { rows[row][$0] - factor * rows[column][$0] }
    }
  }
  return rows.map { Array($0[3...]) }
}

/// The orthogonal factor by Newton's iteration X ← (X + X⁻ᵀ) / 2, which takes every singular value to 1.
private func orthogonalFactor(_ a: Rows) -> Rows {
  (0..<60).reduce(a) { x, _ in
    let other = transposed(inverse(x))
    return (0..<3).map { i in (0..<3).map { (x[i][$0] + other[i][$0]) / 2 } }
  }
}

/// The eigenvalues of a symmetric matrix, descending, from its characteristic cubic (Smith 1961):
/// q + 2p · cos(φ + 2πk/3) with q = tr A / 3, p² = tr (A − qI)² / 6, cos 3φ = det((A − qI) / p) / 2.
private func eigenvalues(_ a: Rows) -> [Double] {
  let q = (a[0][0] + a[1][1] + a[2][2]) / 3
  let shifted = (0..<3).map { i in (0..<3).map { a[i][$0] - (i == $0 ? q : 0) } }
  let p = (product(shifted, shifted).enumerated().reduce(0) { $0 + $1.element[$1.offset] } / 6).squareRoot()
  guard p > 0 else { return [q, q, q] }
  let phi = acos(min(1, max(-1, determinant(shifted.map { $0.map { $0 / p } }) / 2))) / 3
  return [0, 4, 2].map { q + 2 * p * cos(phi + $0 * .pi / 3) }
}

/// A unit eigenvector of a symmetric matrix: at right angles to all rows of A − λI. Its largest element is positive.
private func eigenvector(_ a: Rows, _ value: Double) -> [Double] {
  let rows = (0..<3).map { i in (0..<3).map { a[i][$0] - (i == $0 ? value : 0) } }
  let candidates = [cross(rows[0], rows[1]), cross(rows[0], rows[2]), cross(rows[1], rows[2])]
  func norm(_ v: [Double]) -> Double { v.reduce(0) { $0 + $1 * $1 }.squareRoot() }
  let longest = candidates.max { norm($0) < norm($1) }!
  let sign: Double = longest.max { abs($0) < abs($1) }! < 0 ? -1 : 1
  return longest.map { $0 * sign / norm(longest) }
}

extension Reference {
  /// Y with Y · X = I for every matrix of […, 3, 3].
  public static func inverse3x3(_ x: ReferenceArray) -> ReferenceArray { mapMatrices(x, inverse) }

  /// R of X = R · P with R orthogonal and P symmetric, positive definite. For rotations, where det R = −1, the direction v
  /// that P stretches least is reflected: R · (I − 2 · v · vᵀ).
  public static func polarFactor3x3(_ x: ReferenceArray, isRotation: Bool) -> ReferenceArray {
    mapMatrices(x) { a in
      let r = orthogonalFactor(a)
      guard isRotation, determinant(r) < 0 else { return r }
      let stretch = product(transposed(r), a)
      let v = eigenvector(stretch, eigenvalues(stretch)[2])
      return product(r, (0..<3).map { i in (0..<3).map { (i == $0 ? 1 : 0) - 2 * v[i] * v[$0] } })
    }
  }

  /// s, the square roots of the eigenvalues of XᵀX, descending; V, its eigenvectors, the largest element of each positive;
  /// U = X · V / s.
  public static func svd3x3(_ x: ReferenceArray) -> (u: ReferenceArray, s: ReferenceArray, v: ReferenceArray) {
    func values(_ a: Rows) -> [Double] { eigenvalues(product(transposed(a), a)).map { max($0, 0).squareRoot() } }
    func right(_ a: Rows) -> Rows {
      let square = product(transposed(a), a)
      return transposed(eigenvalues(square).map { eigenvector(square, $0) })
    }
    let u = mapMatrices(x) { a in product(a, right(a)).map { zip($0, values(a)).map { $0 / $1 } } }
    let s = ReferenceArray(Shape(x.shape.dropLast()), matrices(x).flatMap(values))
    return (u, s, mapMatrices(x, right))
  }

  private static func matrices(_ x: ReferenceArray) -> [Rows] {
    check(x.rank >= 2 && x.shape[-1] == 3 && x.shape[-2] == 3, "matrices", "expected (…, 3, 3), found \(x.shape)")
    return (0..<x.values.count / 9).map { i in (0..<3).map { Array(x.values[(9 * i + 3 * $0)..<(9 * i + 3 * $0 + 3)]) }
    }
  }

  private static func mapMatrices(_ x: ReferenceArray, _ function: (Rows) -> Rows) -> ReferenceArray {
    ReferenceArray(x.shape, matrices(x).flatMap { function($0).flatMap { $0 } })
  }
}
