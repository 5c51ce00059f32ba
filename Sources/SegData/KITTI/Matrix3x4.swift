import SegKernels

/// Three rows of four numbers, [R | t]: a rigid motion, or a camera's projection. A fourth row (0 0 0 1) is understood.
public struct Matrix3x4: Sendable, Hashable {
  /// Row by row.
  public let rows: [SIMD4<Double>]

  /// Twelve numbers, row by row. Traps on another number.
  public init(_ values: [Double]) {
    check(values.count == 12, "Matrix3x4", "expected 12 numbers, found \(values.count)")
    rows = stride(from: 0, to: 12, by: 4).map { SIMD4(values[$0], values[$0 + 1], values[$0 + 2], values[$0 + 3]) }
  }

  /// Nine numbers R, row by row, and three t. Traps on other numbers.
  public init(rotation: [Double], translation: [Double] = [0, 0, 0]) {
    check(
      rotation.count == 9 && translation.count == 3, "Matrix3x4",
      "expected 9 and 3 numbers, found \(rotation.count) and \(translation.count)")
    self.init((0..<3).flatMap { rotation[3 * $0..<3 * $0 + 3] + [translation[$0]] })
  }

  /// The last column.
  public var translation: SIMD3<Double> { SIMD3(rows[0].w, rows[1].w, rows[2].w) }

  /// R p + t.
  @inline(__always)
  public func callAsFunction(_ point: SIMD3<Double>) -> SIMD3<Double> {
    let p = SIMD4(point, 1)
    return SIMD3((rows[0] * p).sum(), (rows[1] * p).sum(), (rows[2] * p).sum())
  }

  /// First `b`, then `a`.
  public static func * (a: Matrix3x4, b: Matrix3x4) -> Matrix3x4 {
    Matrix3x4(
      a.rows.flatMap { row in
        (0..<4).map { column in
          row.x * b.rows[0][column] + row.y * b.rows[1][column] + row.z * b.rows[2][column]
            + (column == 3 ? row.w : 0)
        }
      })
  }

  /// The way back of a rigid motion: [Rᵀ | -Rᵀ t].
  public var rigidInverse: Matrix3x4 {
    let transposed = (0..<3).map { column in SIMD3(rows[0][column], rows[1][column], rows[2][column]) }
    return Matrix3x4(transposed.flatMap { [$0.x, $0.y, $0.z, -($0 * translation).sum()] })
  }
}
