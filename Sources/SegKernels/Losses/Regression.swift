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

/// The cross entropy of independent yes-or-no decisions, from logits.
///
/// loss = weight · (p · y · softplus(−x) + (1 − y) · softplus(x)), p the weight of positives. Semantics as PyTorch's
/// `binary_cross_entropy_with_logits`.
///
/// - Parameters:
///   - targets: 0…1, of the logits' shape.
///   - weight: a factor for each element; anything that broadcasts.
///   - positiveWeight: p; anything that broadcasts.
public func binaryCrossEntropy(
  logits: Tensor, targets: Tensor, weight: Tensor? = nil, positiveWeight: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  check(
    logits.shape == targets.shape, "binaryCrossEntropy",
    "logits \(logits.shape) and targets \(targets.shape) differ in shape")
  let positive = targets * softplus(-logits)
  let losses = (positiveWeight.map { positive * $0 } ?? positive) + (1 - targets) * softplus(logits)
  return reduction.apply(weight.map { losses * $0 } ?? losses)
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
