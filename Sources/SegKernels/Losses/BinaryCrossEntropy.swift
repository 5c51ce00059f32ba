import CSegKernels

/// The cross entropy of independent yes-or-no decisions, from logits.
///
/// loss = weight · (p · y · softplus(−x) + (1 − y) · softplus(x)), p the weight of positives. Semantics as PyTorch's
/// `binary_cross_entropy_with_logits`.
///
/// - Parameters:
///   - logits: x, of any shape.
///   - targets: 0…1, of the logits' shape.
///   - weight: a factor for each element; anything that broadcasts to the logits' shape.
///   - positiveWeight: p; anything that broadcasts to the logits' shape.
///   - reduction: how the elements become one number.
public func binaryCrossEntropy(
  logits: Tensor, targets: Tensor, weight: Tensor? = nil, positiveWeight: Tensor? = nil,
  reduction: LossReduction = .mean
) -> Tensor {
  let operation = BinaryCrossEntropyOperation(
    isWeighted: weight != nil, weighsPositives: positiveWeight != nil, reduction: reduction)
  return apply(operation, to: [logits, targets] + [weight, positiveWeight].compactMap { $0 })[0]
}

/// Inputs: logits, targets, then the weights that there are. Forward makes losses and slopes in one pass.
struct BinaryCrossEntropyOperation: TensorOperation {
  let isWeighted: Bool
  let weighsPositives: Bool
  let reduction: LossReduction

  let name = "binaryCrossEntropy"
  var attributes: [(name: String, value: Attribute)] {
    [
      ("isWeighted", .flag(isWeighted)), ("weighsPositives", .flag(weighsPositives)),
      ("reduction", .text(reduction.rawValue)),
    ]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    check(inputs[0] == inputs[1], name, "logits \(inputs[0]) and targets \(inputs[1]) differ in shape")
    for weight in inputs.dropFirst(2) {
      check(weight.broadcast(with: inputs[0]) == inputs[0], name, "weights \(weight) do not broadcast to \(inputs[0])")
    }
    return [reduction == .none ? inputs[0] : []]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 8 * inputs[0].elementCount }

  /// The weight of each element and that of positives, among the inputs.
  private func weights(_ inputs: [Tensor]) -> (all: Tensor?, positive: Tensor?) {
    (isWeighted ? inputs[2] : nil, weighsPositives ? inputs[inputs.count - 1] : nil)
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let (x, targets, shape, kernels) = (inputs[0], inputs[1], inputs[0].shape, kernels)
    // One number for all elements, or one for each.
    func spread(_ weight: Tensor?) -> Tensor {
      guard let weight else { return Tensor(1) }
      return weight.shape == shape || weight.count == 1 ? weight : weight.broadcast(to: shape)
    }
    let weights = weights(inputs), (all, positive) = (spread(weights.all), spread(weights.positive))
    let (strideW, strideP) = (all.shape == shape ? 1 : 0, positive.shape == shape ? 1 : 0)
    let (p, t) = (x.pointer(for: name), targets.pointer(for: name))
    let (w, q) = (all.pointer(for: name), positive.pointer(for: name))
    let (value, slopes) = reduction.losses(shape, findingSlopes: context.needsGradient[0]) {
      first, count, reach, losses, slopes in
      kernels.binaryCrossEntropy(
        p + first, t + first, w + first * strideW, strideW, q + first * strideP, strideP, reach, losses, slopes, count)
    }
    withExtendedLifetime((x, targets, all, positive)) {}
    // The slopes, and the inputs if gradients other than that of the logits are wanted.
    let others = context.needsGradient.dropFirst().contains(true) ? inputs : []
    if context.isRecording { context.saved = [slopes ?? Tensor(0)] + others }
    return [value]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!
    var result: [Tensor?] = context.needsGradient.map { _ in nil }
    if context.needsGradient[0] { result[0] = context.saved[0].scaled(by: dy) }
    guard context.needsGradient.dropFirst().contains(true) else { return result }
    let inputs = Array(context.saved.dropFirst()), shape = inputs[0].shape, targets = inputs[1]
    let reach = (reduction == .mean ? dy / Float(shape.elementCount) : dy).broadcast(to: shape)
    let (yes, no, weights) = (softplus(-inputs[0]), softplus(inputs[0]), weights(inputs))
    let weighted = weights.all.map { reach * $0 } ?? reach, positive = weights.positive.map { yes * $0 } ?? yes
    result[1] = weighted * (positive - no)
    if let all = weights.all { result[2] = summed(reach * (targets * positive + (1 - targets) * no), to: all.shape) }
    if let rate = weights.positive { result[result.count - 1] = summed(weighted * targets * yes, to: rate.shape) }
    return result
  }
}
