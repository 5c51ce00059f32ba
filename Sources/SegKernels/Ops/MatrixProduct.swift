/// The matrix product of an m×k and a k×n tensor.
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { apply(MatrixProductOperation(transposesB: false), to: a, b) }

/// The affine map y = x · Wᵀ + b of rows of features.
///
/// - Parameters:
///   - x: N×C.
///   - weight: O×C.
///   - bias: O numbers.
public func linear(_ x: Tensor, weight: Tensor, bias: Tensor? = nil) -> Tensor {
  let y = apply(MatrixProductOperation(transposesB: true), to: x, weight)
  return bias.map { y + $0 } ?? y
}

/// Y = A · B with dA = dY · Bᵀ, dB = Aᵀ · dY; or Y = A · Bᵀ with dA = dY · B, dB = dYᵀ · A.
struct MatrixProductOperation: TensorOperation {
  let transposesB: Bool

  let name = "matmul"
  var attributes: [(name: String, value: Attribute)] { [("transposesB", .flag(transposesB))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (a, b) = (inputs[0], inputs[1])
    let expected = transposesB ? "m×k and n×k" : "m×k and k×n"
    check(
      a.rank == 2 && b.rank == 2 && a[1] == b[transposesB ? 1 : 0], name, "expected \(expected), found \(a) and \(b)")
    return [[a[0], b[transposesB ? 0 : 1]]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 2 * inputs[0][0] * inputs[1].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs }
    return [product(inputs[0], inputs[1], transposeB: transposesB)]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!.rowMajor(), (a, b) = (context.saved[0], context.saved[1])
    return [
      context.needsGradient[0] ? product(dy, b, transposeB: !transposesB) : nil,
      context.needsGradient[1]
        ? (transposesB ? product(dy, a, transposeA: true) : product(a, dy, transposeA: true)) : nil,
    ]
  }

  /// The product, in panels of 64 rows or columns of the result, whichever are more.
  private func product(_ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false) -> Tensor {
    let m = a.shape[transposeA ? 1 : 0], k = a.shape[transposeA ? 0 : 1], n = b.shape[transposeB ? 0 : 1]
    return Tensor(uninitialized: [m, n]) { y in
      guard let y = y.baseAddress, m * n > 0 else { return }
      let (pa, pb) = (a.pointer(for: name), b.pointer(for: name))
      let (lda, ldb) = (max(a.shape[1], 1), max(b.shape[1], 1))
      if m >= n {
        parallelRuns(m, grain: 64) {
          BLAS.multiply(
            m: $0.count, n: n, k: k,
            .init(pa + $0.lowerBound * (transposeA ? 1 : lda), rowStride: lda, transposed: transposeA),
            .init(pb, rowStride: ldb, transposed: transposeB), into: y + $0.lowerBound * n, rowStride: n)
        }
      } else {
        parallelRuns(n, grain: 64) {
          BLAS.multiply(
            m: m, n: $0.count, k: k, .init(pa, rowStride: lda, transposed: transposeA),
            .init(pb + $0.lowerBound * (transposeB ? ldb : 1), rowStride: ldb, transposed: transposeB),
            into: y + $0.lowerBound, rowStride: n)
        }
      }
      withExtendedLifetime((a, b)) {}
    }
  }
}
