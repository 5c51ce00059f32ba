import SegKernels

extension Reference {
  /// yᵢⱼ = Σₖ aᵢₖ bₖⱼ for matrices a `[…, M, K]` and b `[…, K, N]`, a pair at a time along equal leading axes.
  public static func matmul(_ a: ReferenceArray, _ b: ReferenceArray) -> ReferenceArray {
    check(
      a.rank >= 2 && a.rank == b.rank && a.shape.dropLast(2).elementsEqual(b.shape.dropLast(2))
        && a.shape[-1] == b.shape[-2], "matmul",
      "expected shapes (…, M, K) and (…, K, N), found \(a.shape) and \(b.shape)")
    return ReferenceArray(Shape(a.shape.dropLast() + [b.shape[-1]])) { index in
      let (pair, i, j) = (Array(index.dropLast(2)), index[index.count - 2], index[index.count - 1])
      return (0..<a.shape[-1]).reduce(0) { $0 + a[at: pair + [i, $1]] * b[at: pair + [$1, j]] }
    }
  }
}
