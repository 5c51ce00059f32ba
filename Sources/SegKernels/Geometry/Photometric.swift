/// How little two images resemble each other in structure: (1 − SSIM) / 2 within 0…1, pixel by pixel and channel by
/// channel.
///
/// Means and variances are those of 3×3 windows, mirrored at the edge; C₁ = 0.01², C₂ = 0.03² for values of 0…1.
/// Wang et al., "Image Quality Assessment", 2004; windows as Godard et al. 2017.
/// - Returns: N×C×H×W, as `x` and `y`.
public func structuralDissimilarity(_ x: Tensor, _ y: Tensor) -> Tensor {
  check(
    x.shape == y.shape && x.rank == 4, "structuralDissimilarity",
    "expected one shape N×C×H×W, found \(x.shape) and \(y.shape)")
  func mean(_ z: Tensor) -> Tensor { averagePool2d(z, kernel: 3, stride: 1) }
  let (x, y) = (x.mirrored, y.mirrored)
  let (mx, my) = (mean(x), mean(y))
  let (xx, yy, xy) = (mx.square(), my.square(), mx * my)
  let (vx, vy, vxy) = (mean(x.square()) - xx, mean(y.square()) - yy, mean(x * y) - xy)
  let (c1, c2): (Float, Float) = (1e-4, 9e-4)
  let similarity = (xy * 2 + c1) * (vxy * 2 + c2) / ((xx + yy + c1) * (vx + vy + c2))
  return ((1 - similarity) * 0.5).clamped(to: 0...1)
}

extension Tensor {
  fileprivate var mirrored: Tensor { padded(top: 1, bottom: 1, left: 1, right: 1, with: .reflect) }
}

/// 0.85 · mean of ``structuralDissimilarity(_:_:)`` + 0.15 · mean |x − y|, means over channels.
///
/// - Returns: N×1×H×W.
/// Godard et al., "Digging into Self-Supervised Monocular Depth Prediction", 2019, Eq. 2.
public func photometricError(_ x: Tensor, _ y: Tensor) -> Tensor {
  structuralDissimilarity(x, y).mean(axes: [1], keepDimensions: true) * 0.85
    + (x - y).abs().mean(axes: [1], keepDimensions: true) * 0.15
}

/// How unsmooth a map is where the image is smooth: mean |∂ₓd| e^(−|∂ₓI|) + mean |∂ᵧd| e^(−|∂ᵧI|), |∂I| the mean over
/// channels.
///
/// - Parameters:
///   - map: N×1×H×W.
///   - image: N×C×H×W.
/// - Returns: a scalar.
/// Godard et al. 2019, Eq. 3, on disparities divided by their mean.
public func edgeAwareSmoothness(_ map: Tensor, image: Tensor) -> Tensor {
  check(
    map.rank == 4 && image.rank == 4 && map.shape[1] == 1 && map.shape[2] == image.shape[2]
      && map.shape[3] == image.shape[3], "edgeAwareSmoothness",
    "expected N×1×H×W and N×C×H×W, found \(map.shape) and \(image.shape)")
  func along(_ axis: Int) -> Tensor {
    func steps(_ x: Tensor) -> Tensor {
      let extent = x.shape[axis]
      return (x.slice(axis: axis, 0..<extent - 1) - x.slice(axis: axis, 1..<extent)).abs()
    }
    return (steps(map) * (steps(image).mean(axes: [1], keepDimensions: true) * -1).exp()).mean()
  }
  return along(3) + along(2)
}
