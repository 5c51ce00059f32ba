/// The matrix product of an m×k and a k×n tensor.
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { apply(MatrixProductOperation(), to: a, b) }

/// Y = A · B. dA = dY · Bᵀ, dB = Aᵀ · dY.
struct MatrixProductOperation: TensorOperation {
  let name = "matmul"

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (a, b) = (inputs[0], inputs[1])
    check(a.rank == 2 && b.rank == 2 && a[1] == b[0], name, "expected m×k and k×n, found \(a) and \(b)")
    return [[a[0], b[1]]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 2 * inputs[0].elementCount * inputs[1][1] }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs }
    return [product(inputs[0], inputs[1])]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!
    return [
      context.needsGradient[0] ? product(dy, context.saved[1], transposeB: true) : nil,
      context.needsGradient[1] ? product(context.saved[0], dy, transposeA: true) : nil,
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
