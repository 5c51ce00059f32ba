import CSegKernels
import Glibc

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), as PyTorch defines it.
///
/// p ← p · (1 − rate · weightDecay); m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
/// p ← p − rate · m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ).
public final class AdamW: Optimizer {
  public var learningRate: Float
  public var rates: [String: Float] = [:]
  /// How slowly the two moments forget.
  public let betas: (Float, Float)
  /// What keeps the divisor away from 0.
  public let epsilon: Float
  /// The share of a parameter that a step of rate 1 takes away.
  public let weightDecay: Float
  /// `first.NAME` and `second.NAME`, the moments of each parameter, and `step`.
  public var state: [String: Tensor] = [:]

  /// An optimizer that remembers nothing yet.
  public init(
    learningRate: Float, betas: (Float, Float) = (0.9, 0.999), epsilon: Float = 1e-8, weightDecay: Float = 0.01
  ) {
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  public func update(_ module: any Module, with gradients: Gradients) {
    let kernels = kernels
    let step = (state["step"]?.scalar ?? 0) + 1
    state["step"] = Tensor(step)
    let corrections = (1 - Float(pow(Double(betas.0), Double(step))), 1 - Float(pow(Double(betas.1), Double(step))))
    forEachParameter(module, gradients) { name, rate, value, gradient in
      var first = state.removeValue(forKey: "first." + name) ?? .zeros(value.shape)
      var second = state.removeValue(forKey: "second." + name) ?? .zeros(value.shape)
      let (p, m, v) = (value.exclusivePointer(), first.exclusivePointer(), second.exclusivePointer())
      let g = gradient.pointer(for: "AdamW.update")
      parallelRuns(gradient.count) {
        kernels.adamStep(
          p + $0.lowerBound, m + $0.lowerBound, v + $0.lowerBound, g + $0.lowerBound, rate, betas.0, betas.1,
          epsilon, weightDecay, corrections.0, corrections.1, $0.count)
      }
      withExtendedLifetime(gradient) {}
      state["first." + name] = first
      state["second." + name] = second
    }
  }
}
