/// The singular value decompositions of 3×3 matrices […, 3, 3]: X = U · diag(s) · Vᵀ, computed in double precision.
///
/// - Returns: `u` and `v` of the shape of `x`, orthogonal; `s` of shape […, 3], descending, none negative. A pair of columns
///   of `u` and `v` may be negated together; the signs are those with which the largest element of each column of `v` is
///   positive.
///
/// The gradient through `s` always exists but for a kink at 0. That through `u` and `v` divides by sᵢ² − sⱼ²: it grows as
/// singular values approach each other, and where two are equal it does not exist and is infinite or NaN. What depends on
/// `u` · `v`ᵀ alone is better served by ``polarFactor3x3(_:isRotation:)``, whose gradient has no such trouble.
///
/// Singular matrices are no special case: zeros in `s`, and columns of `u` that complete it to an orthogonal matrix. Results
/// are NaN for a matrix that is not finite. Traps unless the last two axes are 3×3.
public func svd3x3(_ x: Tensor) -> (u: Tensor, s: Tensor, v: Tensor) {
  let results = apply(SVD3x3Operation(), to: [x])
  return (results[0], results[1], results[2])
}

/// X = U · diag(s) · Vᵀ; with A∘ = (A − Aᵀ)ᵢⱼ / (sⱼ² − sᵢ²), 0 on the diagonal,
/// dX = U · ((Uᵀ · dU)∘ · diag(s) + diag(s) · (Vᵀ · dV)∘ + diag(ds)) · Vᵀ.
struct SVD3x3Operation: TensorOperation {
  let name = "svd3x3"

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    checkMatrices(inputs[0], for: name)
    return [inputs[0], Shape(inputs[0].dropLast()), inputs[0]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 60 * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs }
    let x = inputs[0], shapes = outputShapes([x.shape])
    var u: Tensor!, s: Tensor!
    let v = Tensor(uninitialized: shapes[2]) { v in
      s = Tensor(uninitialized: shapes[1]) { s in
        u = Tensor(uninitialized: shapes[0]) { u in
          guard let u = u.baseAddress, let s = s.baseAddress, let v = v.baseAddress else { return }
          let p = x.pointer(for: name)
          parallelRuns(x.count / 9, grain: 256) {
            for i in $0 {
              let singular = SingularValues3(Matrix3(p + 9 * i))
              singular.u.store(u + 9 * i)
              singular.v.store(v + 9 * i)
              for j in 0..<3 { s[3 * i + j] = Float(singular.s[j]) }
            }
          }
          withExtendedLifetime(x) {}
        }
      }
    }
    return [u, s, v]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let x = context.saved[0], shapes = outputShapes([x.shape])
    let (du, ds, dv) = (gradient(0), gradient(1), gradient(2))
    return [
      Tensor(uninitialized: x.shape) { dx in
        guard let dx = dx.baseAddress else { return }
        let (p, g) = (x.pointer(for: name), ds.pointer(for: name))
        let (gu, gv) = (du.pointer(for: name), dv.pointer(for: name))
        parallelRuns(x.count / 9, grain: 256) {
          for i in $0 {
            let singular = SingularValues3(Matrix3(p + 9 * i)), (u, s, v) = (singular.u, singular.s, singular.v)
            let inner =
              turned(u.transposed * Matrix3(gu + 9 * i), s) * Matrix3(diagonal: s)
              + Matrix3(diagonal: s) * turned(v.transposed * Matrix3(gv + 9 * i), s)
              + Matrix3(diagonal: [Double(g[3 * i]), Double(g[3 * i + 1]), Double(g[3 * i + 2])])
            (u * inner * v.transposed).store(dx + 9 * i)
          }
        }
        withExtendedLifetime((x, du, ds, dv)) {}
      }
    ]

    func gradient(_ index: Int) -> Tensor { gradients[index]?.rowMajor() ?? .zeros(shapes[index]) }
  }

  /// (M − Mᵀ)ᵢⱼ / (sⱼ² − sᵢ²): symmetric. What no one asked for is 0 although singular values be equal.
  private func turned(_ m: Matrix3, _ s: SIMD3<Double>) -> Matrix3 {
    let skew = m.axial
    func share(_ part: Double, _ i: Int, _ j: Int) -> Double {
      part == 0 ? 0 : part / ((s[j] - s[i]) * (s[j] + s[i]))
    }
    // (M − Mᵀ)₂₁, (M − Mᵀ)₁₃ and (M − Mᵀ)₃₂
    let (ba, ac, cb) = (share(skew.z, 1, 0), share(skew.y, 0, 2), share(skew.x, 2, 1))
    return Matrix3([0, ba, ac], [ba, 0, cb], [ac, cb, 0])
  }
}
