/// The matrix product of an m×k and a k×n tensor, or of as many pairs of them as equal leading axes say.
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

/// The channels of every image multiplied by a matrix of its own: N×O×H×W of matrices N×O×C and maps N×C×H×W.
///
/// Of one image that is a convolution 1×1, whose pixels can stay in channel blocks.
package func channelProduct(_ matrices: Tensor, _ x: Tensor) -> Tensor {
  let (a, s) = (matrices.shape, x.shape)
  check(
    a.rank == 3 && s.rank == 4 && a[0] == s[0] && a[2] == s[1], "channelProduct",
    "expected matrices N×O×C and maps N×C×H×W, found \(a) and \(s)")
  if s[0] == 1 { return conv2d(x, weight: matrices.reshaped(a[1], a[2], 1, 1)) }
  return matmul(matrices, x.reshaped(s[0], s[1], s[2] * s[3])).reshaped(s[0], a[1], s[2], s[3])
}

/// Y = A · B with dA = dY · Bᵀ, dB = Aᵀ · dY; or Y = A · Bᵀ with dA = dY · B, dB = dYᵀ · A.
struct MatrixProductOperation: TensorOperation {
  let transposesB: Bool

  let name = "matmul"
  var attributes: [(name: String, value: Attribute)] { [("transposesB", .flag(transposesB))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (a, b) = (inputs[0], inputs[1])
    let expected = transposesB ? "…×m×k and …×n×k" : "…×m×k and …×k×n"
    check(
      a.rank >= 2 && a.rank == b.rank && a.dropLast(2).elementsEqual(b.dropLast(2))
        && a[-1] == b[transposesB ? -1 : -2],
      name, "expected \(expected), found \(a) and \(b)")
    return [Shape(a.dropLast() + [b[transposesB ? -2 : -1]])]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 2 * outputShapes(inputs)[0].elementCount * inputs[0][-1] }

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

  /// The products, each in panels of 64 rows or columns, whichever are more.
  private func product(_ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false) -> Tensor {
    let m = a.shape[transposeA ? -1 : -2], k = a.shape[transposeA ? -2 : -1], n = b.shape[transposeB ? -2 : -1]
    let shape = Shape(a.shape.dropLast(2) + [m, n])
    let isTall = m >= n
    let extent = max(m, n), panels = (extent + 63) / 64
    return Tensor(uninitialized: shape) { y in
      guard let y = y.baseAddress, shape.elementCount > 0 else { return }
      let (pa, pb) = (a.pointer(for: name), b.pointer(for: name))
      let (lda, ldb) = (max(a.shape[-1], 1), max(b.shape[-1], 1))
      parallelFor(shape.elementCount / (m * n) * panels) { task in
        let (pair, panel) = task.quotientAndRemainder(dividingBy: panels)
        let first = panel * 64, count = min(64, extent - first)
        // A panel of rows takes rows of A, a panel of columns takes columns of B.
        let rows = pa + pair * m * k + (isTall ? first * (transposeA ? 1 : lda) : 0)
        let columns = pb + pair * k * n + (isTall ? 0 : first * (transposeB ? ldb : 1))
        BLAS.multiply(
          m: isTall ? count : m, n: isTall ? n : count, k: k, .init(rows, rowStride: lda, transposed: transposeA),
          .init(columns, rowStride: ldb, transposed: transposeB),
          into: y + pair * m * n + (isTall ? first * n : first), rowStride: n)
      }
      withExtendedLifetime((a, b)) {}
    }
  }
}
