/// The orthogonal factors of 3×3 matrices […, 3, 3]: the orthogonal matrices nearest to them.
///
/// X = R · P with P = Rᵀ · X symmetric. With X = U · diag(s) · Vᵀ that is R = U · Vᵀ; or, for rotations,
/// R = U · diag(1, 1, det(U · Vᵀ)) · Vᵀ, the nearest matrix of determinant +1 (the projection onto SO(3) of InverseForm's
/// geodesic distance). Computed in double precision.
///
/// The gradient is the analytic one: dR = R · Ω, where the skew matrix Ω = [ω]× solves
///
///     (tr(P) · I − P) · ω = axial(Rᵀ · dX − dXᵀ · R)
///
/// It divides by sums of singular values s₁ + s₂, s₁ + s₃, s₂ + s₃ only, never by differences: equal singular values do no
/// harm. For rotations s₃ counts negative where det X < 0.
///
/// Where X is singular there may be no nearest matrix. Of rank 2 there are two, and the rotation is taken; of rank 1 or 0
/// some orthogonal matrix among many is taken (the identity for 0), whose determinant is +1. A gradient does not exist
/// where one of those sums is 0 to within 10⁻¹⁴ of s₁: at rank 0 and 1, and for rotations where det X < 0 and s₂ = s₃. It is
/// NaN there, and large nearby. Results are NaN for a matrix that is not finite. Traps unless the last two axes are 3×3.
///
/// - Parameters:
///   - x: matrices […, 3, 3].
///   - isRotation: whether the determinant must be +1.
public func polarFactor3x3(_ x: Tensor, isRotation: Bool = false) -> Tensor {
  apply(PolarFactor3x3Operation(isRotation: isRotation), to: x)
}

/// R of X = R · P; dX = R · [ω]× with (tr(P) · I − P) · ω = axial(Rᵀ · dR − dRᵀ · R).
struct PolarFactor3x3Operation: TensorOperation {
  let isRotation: Bool

  let name = "polarFactor3x3"
  var attributes: [(name: String, value: Attribute)] { [("isRotation", .flag(isRotation))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    checkMatrices(inputs[0], for: name)
    return inputs
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 60 * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs }
    return [mapMatrices(inputs[0], inputs[0], for: name) { x, _ in factor(SingularValues3(x)).r }]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    [
      mapMatrices(context.saved[0], gradients[0]!.rowMajor(), for: name) { x, dr in
        let singular = SingularValues3(x), (r, s) = factor(singular), v = singular.v
        // tr(P) · I − P = V · diag(sums) · Vᵀ
        let sums: SIMD3<Double> = [s.y + s.z, s.x + s.z, s.x + s.y]
        let tangent = v.transposed * (r.transposed * dr).axial / sums
        return sums.x > 1e-14 * s.x ? r * Matrix3(axial: v * tangent) : .nan
      }
    ]
  }

  /// R, and the eigenvalues of P.
  private func factor(_ singular: SingularValues3) -> (r: Matrix3, s: SIMD3<Double>) {
    var (u, s) = (singular.u, singular.s)
    if isRotation, singular.u.determinant * singular.v.determinant < 0 {
      u.c = -u.c
      s.z = -s.z
    }
    return (u * singular.v.transposed, s)
  }
}
