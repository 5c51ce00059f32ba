import CSegKernels

/// Stochastic gradient descent with momentum, as PyTorch defines it.
///
/// d = g + weightDecay · p; v ← momentum · v + d; p ← p − rate · v (Nesterov: d + momentum · v instead of v).
public final class SGD: Optimizer {
  public var learningRate: Float
  public var rates: [String: Float] = [:]
  /// The share of the old velocity that stays.
  public let momentum: Float
  /// The share of a parameter that is added to its gradient.
  public let weightDecay: Float
  /// Whether the step looks ahead along the velocity.
  public let isNesterov: Bool
  /// The velocity of each parameter.
  public var state: [String: Tensor] = [:]

  /// An optimizer that remembers nothing yet.
  public init(learningRate: Float, momentum: Float = 0.9, weightDecay: Float = 0, isNesterov: Bool = false) {
    self.learningRate = learningRate
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.isNesterov = isNesterov
  }

  public func update(_ module: any Module, with gradients: Gradients) {
    let kernels = kernels
    forEachParameter(module, gradients) { name, rate, value, gradient in
      var velocity = state.removeValue(forKey: name) ?? .zeros(value.shape)
      let (p, v) = (value.exclusivePointer(), velocity.exclusivePointer())
      let g = gradient.pointer(for: "SGD.update")
      parallelRuns(gradient.count) {
        kernels.sgdStep(
          p + $0.lowerBound, v + $0.lowerBound, g + $0.lowerBound, rate, momentum, weightDecay,
          isNesterov ? 1 : 0, $0.count)
      }
      withExtendedLifetime(gradient) {}
      state[name] = velocity
    }
  }
}
