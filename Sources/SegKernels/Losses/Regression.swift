/// The mean (or sum, or each) of |prediction − target|.
public func l1Loss(_ prediction: Tensor, _ target: Tensor, reduction: LossReduction = .mean) -> Tensor {
  reduction.apply((prediction - target).abs())
}

/// The mean (or sum, or each) of (prediction − target)².
public func l2Loss(_ prediction: Tensor, _ target: Tensor, reduction: LossReduction = .mean) -> Tensor {
  reduction.apply((prediction - target).square())
}

/// Quadratic near 0, linear beyond β (Girshick 2015): d²/(2β) where |d| < β, else |d| − β/2.
///
/// With m = min(|d|, β) both are m · (|d| − m/2) / β.
public func smoothL1Loss(
  _ prediction: Tensor, _ target: Tensor, beta: Float = 1, reduction: LossReduction = .mean
) -> Tensor {
  check(beta > 0, "smoothL1Loss", "beta must be positive, found \(beta)")
  let distance = (prediction - target).abs()
  let near = distance.clamped(to: 0...beta)
  return reduction.apply(near * (distance - near * 0.5) / beta)
}

extension LossReduction {
  /// Reduces losses that all weigh the same.
  func apply(_ losses: Tensor) -> Tensor {
    switch self {
    case .none: losses
    case .sum: losses.sum()
    case .mean: losses.mean()
    }
  }
}
