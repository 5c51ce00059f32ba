import CSegKernels

/// The mean (or sum, or each) of |prediction − target|.
public func l1Loss(_ prediction: Tensor, _ target: Tensor, reduction: LossReduction = .mean) -> Tensor {
  apply(RegressionLossOperation(kind: .l1Loss, beta: 1, reduction: reduction), to: prediction, target)
}

/// The mean (or sum, or each) of (prediction − target)².
public func l2Loss(_ prediction: Tensor, _ target: Tensor, reduction: LossReduction = .mean) -> Tensor {
  apply(RegressionLossOperation(kind: .l2Loss, beta: 1, reduction: reduction), to: prediction, target)
}

/// Quadratic near 0, linear beyond β (Girshick 2015): d²/(2β) where |d| < β, else |d| − β/2.
public func smoothL1Loss(
  _ prediction: Tensor, _ target: Tensor, beta: Float = 1, reduction: LossReduction = .mean
) -> Tensor {
  check(beta > 0, "smoothL1Loss", "beta must be positive, found \(beta)")
  return apply(RegressionLossOperation(kind: .smoothL1Loss, beta: beta, reduction: reduction), to: prediction, target)
}

/// Losses of differences d = prediction − target, with broadcasting; their slopes come with them in one pass.
struct RegressionLossOperation: TensorOperation {
  enum Kind: String {
    case l1Loss, l2Loss, smoothL1Loss
  }

  let kind: Kind
  /// Where a smooth loss becomes linear.
  let beta: Float
  let reduction: LossReduction

  var name: String { kind.rawValue }
  var attributes: [(name: String, value: Attribute)] {
    [("beta", .real(beta)), ("reduction", .text(reduction.rawValue))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    guard let shape = inputs[0].broadcast(with: inputs[1]) else {
      misuse(name, "shapes \(inputs[0]) and \(inputs[1]) do not broadcast")
    }
    return [reduction == .none ? shape : []]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 3 * inputs[0].broadcast(with: inputs[1])!.elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let shape = inputs[0].shape.broadcast(with: inputs[1].shape)!, kernels = kernels
    func spread(_ input: Tensor) -> Tensor { input.shape == shape ? input : input.broadcast(to: shape) }
    let (x, target) = (spread(inputs[0]), spread(inputs[1]))
    let (p, t) = (x.pointer(for: name), target.pointer(for: name))
    let rule =
      switch kind {
      case .l1Loss: Int32(SK_LOSS_L1)
      case .l2Loss: Int32(SK_LOSS_L2)
      case .smoothL1Loss: Int32(SK_LOSS_SMOOTH)
      }
    let (value, slopes) = reduction.losses(shape, findingSlopes: context.isRecording) {
      first, count, reach, losses, slopes in
      kernels.regressionLoss(p + first, t + first, rule, beta, reach, losses, slopes, count)
    }
    withExtendedLifetime((x, target)) {}
    if let slopes { context.saved = [slopes] }
    return [value]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dx = context.saved[0].scaled(by: gradients[0]!)
    return [
      context.needsGradient[0] ? summed(dx, to: context.inputShapes[0]) : nil,
      context.needsGradient[1] ? summed(-dx, to: context.inputShapes[1]) : nil,
    ]
  }
}
