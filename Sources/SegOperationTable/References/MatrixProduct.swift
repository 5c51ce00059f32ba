import SegKernels

extension Reference {
  /// yᵢⱼ = Σₖ aᵢₖ bₖⱼ for matrices a `[M, K]` and b `[K, N]`.
  public static func matmul(_ a: ReferenceArray, _ b: ReferenceArray) -> ReferenceArray {
    check(
      a.rank == 2 && b.rank == 2 && a.shape[1] == b.shape[0], "matmul",
      "expected shapes (M, K) and (K, N), found \(a.shape) and \(b.shape)")
    let (rows, depth, columns) = (a.shape[0], a.shape[1], b.shape[1])

    var y = ReferenceArray(zeros: [rows, columns])
    for i in 0..<rows {
      for j in 0..<columns {
        for k in 0..<depth { y.values[i * columns + j] += a.values[i * depth + k] * b.values[k * columns + j] }
      }
    }
    return y
  }
}
