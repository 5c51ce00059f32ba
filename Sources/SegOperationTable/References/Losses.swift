import SegKernels

extension Reference {
  /// Reduces losses that all weigh the same.
  static func reduced(_ losses: ReferenceArray, _ reduction: LossReduction) -> ReferenceArray {
    switch reduction {
    case .none: losses
    case .sum: sum(losses)
    case .mean: mean(losses)
    }
  }

  /// |prediction − target|
  public static func l1Loss(
    _ prediction: ReferenceArray, _ target: ReferenceArray, reduction: LossReduction
  ) -> ReferenceArray { reduced(abs(subtract(prediction, target)), reduction) }

  /// (prediction − target)²
  public static func l2Loss(
    _ prediction: ReferenceArray, _ target: ReferenceArray, reduction: LossReduction
  ) -> ReferenceArray { reduced(square(subtract(prediction, target)), reduction) }

  /// With d = |prediction − target|: d² / 2β where d < β, else d − β / 2.
  public static func smoothL1Loss(
    _ prediction: ReferenceArray, _ target: ReferenceArray, beta: Double, reduction: LossReduction
  ) -> ReferenceArray {
    let distances = abs(subtract(prediction, target))
    let losses = distances.values.map { $0 < beta ? $0 * $0 / (2 * beta) : $0 - beta / 2 }
    return reduced(ReferenceArray(distances.shape, losses), reduction)
  }

  /// With q = sigmoid(x): −weight · (p · y · log q + (1 − y) · log(1 − q)), p the weight of positives.
  public static func binaryCrossEntropy(
    logits: ReferenceArray, targets: ReferenceArray, weight: ReferenceArray?, positiveWeight: ReferenceArray?,
    reduction: LossReduction
  ) -> ReferenceArray {
    let one = ReferenceArray([], [1])
    let probability = sigmoid(logits)
    var positive = multiply(targets, log(probability))
    if let positiveWeight { positive = multiply(positive, positiveWeight) }
    var losses = negate(add(positive, multiply(subtract(one, targets), log(subtract(one, probability)))))
    if let weight { losses = multiply(losses, weight) }
    return reduced(losses, reduction)
  }
}
