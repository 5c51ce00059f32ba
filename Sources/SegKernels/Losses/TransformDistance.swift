/// How far an estimated transform is from none.
public enum TransformDistance: Sendable, Hashable {
  /// |θ̂ − I|: the Euclidean norm of the coefficients. The paper's more consistent choice.
  case euclidean
  /// With P the rotation nearest to θ̂ and R = θ̂ − P: the angle of P, plus λ · tr(RᵀR). The paper's λ is 0.1.
  ///
  /// The angle is atan2(|axial(P − Pᵀ)| / 2, (tr P − 1) / 2), which is arccos((tr P − 1) / 2) without its infinite
  /// slope at no rotation. P comes from a polar decomposition whose gradient divides by sums of singular values alone.
  case geodesic(lambda: Float = 0.1)

  /// One distance a tile, N, of coefficients N×k: 0 with a zero gradient where all are 0.
  public func callAsFunction(_ coefficients: Tensor, _ transform: BoundaryTransform) -> Tensor {
    switch self {
    case .euclidean: return smoothNorm(coefficients)
    case .geodesic(let lambda):
      let theta = transform.matrices(coefficients), p = polarFactor3x3(theta, isRotation: true)
      let count = theta.shape[0], entries = p.reshaped(count, 9)
      func entry(_ index: Int) -> Tensor { entries.slice(axis: 1, index..<(index + 1)) }
      let axial = concatenate([entry(7) - entry(5), entry(2) - entry(6), entry(3) - entry(1)], axis: 1)
      let cosine = (entry(0) + entry(4) + entry(8) - 1).reshaped(count) * 0.5
      let residue = (theta - p).square().sum(axes: [1, 2])
      return atan2(smoothNorm(axial) * 0.5, cosine) + residue * lambda
    }
  }

  /// √(Σ x² + ε²) − ε over the last axis: the norm, but differentiable at 0, which equal maps reach exactly.
  private func smoothNorm(_ x: Tensor) -> Tensor {
    let epsilon: Float = 1e-6
    return (x.square().sum(axes: [1]) + epsilon * epsilon).sqrt() - epsilon
  }
}
