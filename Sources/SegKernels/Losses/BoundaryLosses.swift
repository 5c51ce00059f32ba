/// Cross entropy in which boundary and other pixels weigh the same together: positives count as the share of negatives,
/// and negatives as that of positives; the mean runs over all pixels that count.
///
/// - Parameters:
///   - logits: N×1×H×W.
///   - target: of the same shape, zeros and ones.
///   - counted: 1 where a pixel counts; all by default.
///   - group: the processes that hold the batch together; the result is then this one's term of a sum over them.
public func balancedBoundaryEntropy(
  _ logits: Tensor, _ target: Tensor, counted: Tensor? = nil, over group: (any BatchGroup)? = nil
) -> Tensor {
  check(
    logits.shape == target.shape, "balancedBoundaryEntropy",
    "logits \(logits.shape) and target \(target.shape) differ in shape")
  let counted = counted ?? .ones(target.shape)
  let own = [Double(counted.sum().scalar), Double((target * counted).sum().scalar)], sums = group?.sum(own) ?? own
  let count = max(Float(sums[0]), 1), positives = Float(sums[1]) / count
  let weights = (target * (1 - positives) + (1 - target) * positives) * counted
  return binaryCrossEntropy(logits: logits, targets: target, weight: weights, reduction: .sum) / count
}

/// The soft Dice loss of boundaries, 1 − (2 Σ p t + 1) / (Σ p + Σ t + 1) with p = σ(logits), over the pixels that count
/// in all images together. The 1 keeps it defined where there is no boundary. Milletari et al. 2016 (arXiv 1606.04797),
/// whose denominator sums squares.
///
/// - Parameters:
///   - logits: N×1×H×W.
///   - target: of the same shape, zeros and ones.
///   - counted: 1 where a pixel counts; all by default.
public func boundaryDice(_ logits: Tensor, _ target: Tensor, counted: Tensor? = nil) -> Tensor {
  check(
    logits.shape == target.shape, "boundaryDice", "logits \(logits.shape) and target \(target.shape) differ in shape")
  let counted = counted ?? .ones(target.shape)
  let p = sigmoid(logits) * counted, t = target * counted
  return 1 - ((p * t).sum() * 2 + 1) / (p.sum() + t.sum().scalar + 1)
}
