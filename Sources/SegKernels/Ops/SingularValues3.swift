/// The singular value decomposition of one 3×3 matrix, by one-sided Jacobi rotations (Hestenes 1958): the columns are
/// turned in pairs until they are orthogonal; their lengths are the singular values. Small values come out as exactly,
/// relative to their own size, as the matrix determines them.
struct SingularValues3 {
  let u: Matrix3
  /// Descending.
  let s: SIMD3<Double>
  /// The largest element of each column is positive.
  let v: Matrix3

  init(_ x: Matrix3) {
    guard x.isFinite else {
      (u, s, v) = (.nan, .init(repeating: .nan), .nan)
      return
    }
    var (x, v) = (x, Matrix3.identity)
    // Some six sweeps are enough; the bound is for what rounding might do to a singular matrix.
    for _ in 0..<30 {
      let first = orthogonalize(&x.a, &x.b, &v.a, &v.b)
      let second = orthogonalize(&x.a, &x.c, &v.a, &v.c)
      let third = orthogonalize(&x.b, &x.c, &v.b, &v.c)
      if !(first || second || third) { break }
    }
    descend(&x.a, &x.b, &v.a, &v.b)
    descend(&x.a, &x.c, &v.a, &v.c)
    descend(&x.b, &x.c, &v.b, &v.c)
    orient(&x.a, &v.a)
    orient(&x.b, &v.b)
    orient(&x.c, &v.c)
    let s: SIMD3<Double> = [length(x.a), length(x.b), length(x.c)]
    let a = s.x > 0 ? x.a / s.x : v.a
    let b = s.y > 0 ? x.b / s.y : (s.x > 0 ? perpendicular(to: a) : v.b)
    // Two columns leave the third its sign alone. Where even that is lost in rounding, U · Vᵀ shall be a rotation.
    let c = cross(a, b), side = dot(c, x.c)
    let isLost = abs(side) <= 16 * .ulpOfOne * s.x
    u = Matrix3(a, b, (isLost ? v.determinant : side) < 0 ? -c : c)
    self.s = s
    self.v = v
  }
}

/// Turns two columns of a matrix, and those of V with them, until they are orthogonal; false if they are already.
private func orthogonalize(
  _ p: inout SIMD3<Double>, _ q: inout SIMD3<Double>, _ v: inout SIMD3<Double>, _ w: inout SIMD3<Double>
) -> Bool {
  let (pp, qq, pq) = (dot(p, p), dot(q, q), dot(p, q))
  guard abs(pq) > 2 * .ulpOfOne * (pp * qq).squareRoot() else { return false }
  let zeta = (qq - pp) / (2 * pq)
  let tangent = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
  let cosine = 1 / (1 + tangent * tangent).squareRoot(), sine = cosine * tangent
  (p, q) = (cosine * p - sine * q, sine * p + cosine * q)
  (v, w) = (cosine * v - sine * w, sine * v + cosine * w)
  return true
}

/// Exchanges two columns, and those of V with them, if the second is longer.
private func descend(
  _ p: inout SIMD3<Double>, _ q: inout SIMD3<Double>, _ v: inout SIMD3<Double>, _ w: inout SIMD3<Double>
) {
  if dot(q, q) > dot(p, p) { (p, q, v, w) = (q, p, w, v) }
}

/// Negates a column, and that of V with it, if the largest element of the latter is negative.
private func orient(_ p: inout SIMD3<Double>, _ v: inout SIMD3<Double>) {
  let m = magnitude(v)
  let largest = m.x >= m.y && m.x >= m.z ? v.x : (m.y >= m.z ? v.y : v.z)
  if largest < 0 { (p, v) = (-p, -v) }
}

private func length(_ a: SIMD3<Double>) -> Double { dot(a, a).squareRoot() }

/// A unit vector at right angles to another.
private func perpendicular(to a: SIMD3<Double>) -> SIMD3<Double> {
  let m = magnitude(a)
  let axis: SIMD3<Double> = m.x <= m.y && m.x <= m.z ? [1, 0, 0] : (m.y <= m.z ? [0, 1, 0] : [0, 0, 1])
  let c = cross(a, axis)
  return c / length(c)
}
