/// The solutions x, […, k], of A · x = b with symmetric, positive definite matrices A, […, k, k], by Cholesky's
/// decomposition in double precision.
///
/// Of A its symmetric part (A + Aᵀ) / 2 counts. With y = A⁻¹ · dx the gradients are db = y and
/// dA = −(y · xᵀ + x · yᵀ) / 2. Where A is not positive definite, or not finite, the result and its gradients are NaN, and
/// the other systems of the batch are not touched by that. Traps unless the shapes are […, k, k] and […, k].
public func solveSymmetric(_ a: Tensor, _ b: Tensor) -> Tensor { apply(SymmetricSolveOperation(), to: a, b) }

/// x of A · x = b; db = A⁻¹ · dx, dA = −(db · xᵀ + x · dbᵀ) / 2.
struct SymmetricSolveOperation: TensorOperation {
  let name = "solveSymmetric"

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (a, b) = (inputs[0], inputs[1])
    check(
      b.rank >= 1 && a == Shape(b.dimensions + [b[-1]]), name,
      "expected matrices …×k×k and vectors …×k, found \(a) and \(b)")
    return [b]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int {
    let k = inputs[1][-1]
    return inputs[1].elementCount * (k * k / 3 + 2 * k)
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let (a, b) = (inputs[0], inputs[1]), k = b.shape[-1]
    if context.isRecording { context.saved = inputs }
    return [
      Tensor(uninitialized: b.shape) { x in
        guard let x = x.baseAddress, k > 0 else { return }
        let (a, b) = (a.pointer(for: name), b.pointer(for: name))
        parallelRuns(inputs[1].count / k, grain: 64) {
          for i in $0 {
            let solution = CholeskyFactor(a + i * k * k, order: k).solve(b + i * k)
            for j in 0..<k { x[i * k + j] = Float(solution[j]) }
          }
        }
        withExtendedLifetime(inputs) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let (a, b) = (context.saved[0], context.saved[1]), dx = gradients[0]!.rowMajor(), k = b.shape[-1]
    var da: Tensor!
    let db = Tensor(uninitialized: b.shape) { db in
      da = Tensor(uninitialized: a.shape) { da in
        guard let db = db.baseAddress, let da = da.baseAddress, k > 0 else { return }
        let (a, b, dx) = (a.pointer(for: name), b.pointer(for: name), dx.pointer(for: name))
        parallelRuns(context.saved[1].count / k, grain: 64) {
          for i in $0 {
            // Solved again rather than kept: the result was rounded to floats.
            let factor = CholeskyFactor(a + i * k * k, order: k)
            let x = factor.solve(b + i * k), y = factor.solve(dx + i * k)
            for row in 0..<k {
              db[i * k + row] = Float(y[row])
              for column in 0..<k {
                da[(i * k + row) * k + column] = Float(-(y[row] * x[column] + x[row] * y[column]) / 2)
              }
            }
          }
        }
      }
    }
    withExtendedLifetime((context, dx)) {}
    return [da, db]
  }
}

/// The lower factor L of A = L · Lᵀ.
private struct CholeskyFactor {
  private let order: Int
  /// Row by row; NaN where a pivot is not positive.
  private var l: [Double]

  init(_ a: UnsafePointer<Float>, order: Int) {
    self.order = order
    l = [Double](repeating: 0, count: order * order)
    for row in 0..<order {
      for column in 0...row {
        var sum = (Double(a[row * order + column]) + Double(a[column * order + row])) / 2
        for inner in 0..<column { sum -= l[row * order + inner] * l[column * order + inner] }
        // The root of a negative pivot is NaN, and what follows divides by it; a pivot of 0 must not give infinity.
        l[row * order + column] =
          row == column ? (sum > 0 ? sum.squareRoot() : .nan) : sum / l[column * order + column]
      }
    }
  }

  func solve(_ b: UnsafePointer<Float>) -> [Double] {
    var x = (0..<order).map { Double(b[$0]) }
    for row in 0..<order {
      for inner in 0..<row { x[row] -= l[row * order + inner] * x[inner] }
      x[row] /= l[row * order + row]
    }
    for row in (0..<order).reversed() {
      for inner in (row + 1)..<max(order, row + 1) { x[row] -= l[inner * order + row] * x[inner] }
      x[row] /= l[row * order + row]
    }
    // A pivot that is not positive spoils the unknowns that follow from it; the others were never determined either.
    return l.contains(where: \.isNaN) ? x.map { _ in .nan } : x
  }
}
