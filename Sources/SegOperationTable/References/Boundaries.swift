import Glibc
import SegKernels

extension Reference {
  /// x of (A + Aᵀ) / 2 · x = b by Gauss and Jordan, for every system of […, k, k] and […, k].
  public static func solveSymmetric(_ a: ReferenceArray, _ b: ReferenceArray) -> ReferenceArray {
    let k = b.shape[-1]
    var result = b
    for system in 0..<(k > 0 ? b.values.count / k : 0) {
      let own = a.values[(system * k * k)..<((system + 1) * k * k)].map { $0 }
      var rows = (0..<k).map { i in
        (0..<k).map { (own[i * k + $0] + own[$0 * k + i]) / 2 } + [b.values[system * k + i]]
      }
      for column in 0..<k {
        let pivot = (column..<k).max { Swift.abs(rows[$0][column]) < Swift.abs(rows[$1][column]) }!
        rows.swapAt(column, pivot)
        rows[column] = rows[column].map { $0 / rows[column][column] }
        for row in 0..<k where row != column {
          let factor = rows[row][column]
          rows[row] = zip(rows[row], rows[column]).map { $0 - factor * $1 }
        }
      }
      for i in 0..<k { result.values[system * k + i] = rows[i][k] }
    }
    return result
  }

  /// With q = sigmoid(x), over the n pixels that count, of which s are boundary:
  /// −Σ ((1 − s/n) · t · log q + s/n · (1 − t) · log(1 − q)) / n.
  public static func balancedBoundaryEntropy(
    _ logits: ReferenceArray, _ target: ReferenceArray, counted: ReferenceArray
  ) -> ReferenceArray {
    var (n, s, total) = (0.0, 0.0, 0.0)
    for i in logits.values.indices where counted.values[i] > 0 {
      n += 1
      s += target.values[i]
    }
    for i in logits.values.indices where counted.values[i] > 0 {
      let q = 1 / (1 + Glibc.exp(-logits.values[i]))
      total -= target.values[i] > 0 ? (1 - s / n) * Glibc.log(q) : s / n * Glibc.log(1 - q)
    }
    return ReferenceArray([], [total / Swift.max(n, 1)])
  }

  /// 1 − (2 Σ q t + 1) / (Σ q + Σ t + 1), q = sigmoid(x), over the pixels that count.
  public static func boundaryDice(
    _ logits: ReferenceArray, _ target: ReferenceArray, counted: ReferenceArray
  ) -> ReferenceArray {
    var (overlap, mass) = (0.0, 0.0)
    for i in logits.values.indices where counted.values[i] > 0 {
      let q = 1 / (1 + Glibc.exp(-logits.values[i]))
      overlap += q * target.values[i]
      mass += q + target.values[i]
    }
    return ReferenceArray([], [1 - (2 * overlap + 1) / (mass + 1)])
  }

  /// The mean of |x − log t| where t > 0.
  public static func logDepthLoss(_ logDepth: ReferenceArray, _ depth: ReferenceArray) -> ReferenceArray {
    let errors = zip(logDepth.values, depth.values).filter { $1 > 0 }.map { Swift.abs($0 - Glibc.log($1)) }
    return ReferenceArray([], [errors.reduce(0, +) / Double(Swift.max(errors.count, 1))])
  }

  /// The Euclidean norm of each row.
  public static func norm(_ x: ReferenceArray) -> ReferenceArray {
    let k = x.shape[1]
    return ReferenceArray(
      [x.shape[0]],
      (0..<x.shape[0]).map { n in (0..<k).reduce(0) { $0 + x[n, $1] * x[n, $1] }.squareRoot() })
  }

  /// arccos((tr P − 1) / 2) + 0.1 · |θ − P|² with P the rotation nearest to θ.
  public static func geodesicDistance(_ x: ReferenceArray, _ transform: BoundaryTransform) -> ReferenceArray {
    let n = x.shape[0]
    var theta = ReferenceArray(zeros: [n, 3, 3])
    for sample in 0..<n {
      let entries = matrix((0..<transform.count).map { x[sample, $0] }, transform)
      for i in 0..<9 { theta[sample, i / 3, i % 3] = entries[i] }
    }
    let p = polarFactor3x3(theta, isRotation: true)
    return ReferenceArray(
      [n],
      (0..<n).map { sample in
        var (trace, residue) = (0.0, 0.0)
        for i in 0..<9 {
          let (row, column) = (i / 3, i % 3)
          if row == column { trace += p[sample, row, column] }
          let difference = theta[sample, row, column] - p[sample, row, column]
          residue += difference * difference
        }
        return Glibc.acos(Swift.min(1, (trace - 1) / 2)) + 0.1 * residue
      })
  }

  /// θ, row by row: units of 0.4, log 1.25 and 15°, or entries of θ − I.
  private static func matrix(_ c: [Double], _ transform: BoundaryTransform) -> [Double] {
    switch transform {
    case .shiftScale, .shiftScaleRotation:
      let (sx, sy) = (Glibc.pow(1.25, c[2]), Glibc.pow(1.25, c[3])), angle = c.count > 4 ? c[4] * .pi / 12 : 0
      return [
        Glibc.cos(angle) * sx, -Glibc.sin(angle) * sy, 0.4 * c[0], Glibc.sin(angle) * sx, Glibc.cos(angle) * sy,
        0.4 * c[1], 0, 0, 1,
      ]
    case .affine, .homography:
      return (0..<9).map { ($0 < c.count ? c[$0] : 0) + ($0 % 4 == 0 ? 1 : 0) }
    }
  }
}
