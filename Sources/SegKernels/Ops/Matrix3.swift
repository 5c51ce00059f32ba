/// A 3×3 matrix of doubles, by columns: what the operations on batches of small matrices compute with.
struct Matrix3 {
  var a, b, c: SIMD3<Double>

  static let identity = Matrix3(diagonal: [1, 1, 1])
  static let nan = Matrix3(.init(repeating: .nan), .init(repeating: .nan), .init(repeating: .nan))

  init(_ a: SIMD3<Double>, _ b: SIMD3<Double>, _ c: SIMD3<Double>) { (self.a, self.b, self.c) = (a, b, c) }

  init(diagonal d: SIMD3<Double>) { self.init([d.x, 0, 0], [0, d.y, 0], [0, 0, d.z]) }

  /// The skew matrix [ω]× of a vector: [ω]× · v = ω × v.
  init(axial w: SIMD3<Double>) { self.init([0, w.z, -w.y], [-w.z, 0, w.x], [w.y, -w.x, 0]) }

  /// Nine floats, row by row.
  init(_ p: UnsafePointer<Float>) {
    self.init(
      [Double(p[0]), Double(p[3]), Double(p[6])], [Double(p[1]), Double(p[4]), Double(p[7])],
      [Double(p[2]), Double(p[5]), Double(p[8])])
  }

  /// Rounds the matrix to nine floats, row by row.
  func store(_ p: UnsafeMutablePointer<Float>) {
    for row in 0..<3 {
      p[3 * row] = Float(a[row])
      p[3 * row + 1] = Float(b[row])
      p[3 * row + 2] = Float(c[row])
    }
  }

  var transposed: Matrix3 { Matrix3([a.x, b.x, c.x], [a.y, b.y, c.y], [a.z, b.z, c.z]) }

  /// The vector ω of [ω]× = M − Mᵀ.
  var axial: SIMD3<Double> { [b.z - c.y, c.x - a.z, a.y - b.x] }

  var determinant: Double { dot(a, cross(b, c)) }

  /// Infinity less itself is NaN, which equals nothing.
  var isFinite: Bool { (a - a) + (b - b) + (c - c) == .zero }

  /// The inverse; NaN throughout if the determinant is within its own rounding error of 0.
  var inverse: Matrix3 {
    let (bc, ca, ab) = (cross(b, c), cross(c, a), cross(a, b))
    let determinant = dot(a, bc)
    // The six products that the determinant is made of, without their signs: what its error is measured by. Unlike the
    // determinant of unit vectors it does not call a matrix singular for the scale of a row or column.
    let (p, q, r) = (magnitude(a), magnitude(b), magnitude(c))
    let permanent = p.x * (q.y * r.z + q.z * r.y) + p.y * (q.z * r.x + q.x * r.z) + p.z * (q.x * r.y + q.y * r.x)
    let scale = abs(determinant) > 4 * .ulpOfOne * permanent ? 1 / determinant : .nan
    return Matrix3(bc * scale, ca * scale, ab * scale).transposed
  }

  static func * (m: Matrix3, v: SIMD3<Double>) -> SIMD3<Double> { m.a * v.x + m.b * v.y + m.c * v.z }

  static func * (m: Matrix3, n: Matrix3) -> Matrix3 { Matrix3(m * n.a, m * n.b, m * n.c) }

  static func + (m: Matrix3, n: Matrix3) -> Matrix3 { Matrix3(m.a + n.a, m.b + n.b, m.c + n.c) }

  static prefix func - (m: Matrix3) -> Matrix3 { Matrix3(-m.a, -m.b, -m.c) }
}

func dot(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { a.x * b.x + a.y * b.y + a.z * b.z }

func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
  [a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x]
}

func magnitude(_ a: SIMD3<Double>) -> SIMD3<Double> { [abs(a.x), abs(a.y), abs(a.z)] }

/// Traps, naming the operation, unless the shape is that of 3×3 matrices.
func checkMatrices(_ shape: Shape, for operation: String) {
  check(
    shape.rank >= 2 && shape[-1] == 3 && shape[-2] == 3, operation, "expected matrices …×3×3, found shape \(shape)")
}

/// A function of every 3×3 matrix of `x` and the one of `d` in the same place, in parallel.
@inline(__always)
func mapMatrices(_ x: Tensor, _ d: Tensor, for operation: String, _ function: (Matrix3, Matrix3) -> Matrix3) -> Tensor {
  Tensor(uninitialized: x.shape) { y in
    guard let y = y.baseAddress else { return }
    let (p, q) = (x.pointer(for: operation), d.pointer(for: operation))
    parallelRuns(x.count / 9, grain: 256) {
      for i in $0 { function(Matrix3(p + 9 * i), Matrix3(q + 9 * i)).store(y + 9 * i) }
    }
    withExtendedLifetime((x, d)) {}
  }
}
