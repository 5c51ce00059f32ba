import Glibc

/// The learning rate as a function of the step, relative to the base rate.
public enum Schedule: Sendable, Hashable {
  /// Always the base rate.
  case constant
  /// (1 − step / steps)^power: DeepLab's rule, the field's usual one with power 0.9.
  case poly(power: Float)
  /// ½ (1 + cos(π · step / steps)).
  case cosine
  /// `factor` to the power of how many `milestones`, shares of the run, have passed.
  case steps(milestones: [Float], factor: Float)

  /// The factor at a step of a run of `steps`, after a linear warm-up over the first `warmup` steps.
  public func factor(step: Int, of steps: Int, warmup: Int = 0) -> Float {
    if step < warmup { return Float(step + 1) / Float(warmup) }
    let progress = Double(step) / Double(max(steps, 1))
    switch self {
    case .constant: return 1
    case .poly(let power): return Float(pow(max(0, 1 - progress), Double(power)))
    case .steps(let milestones, let factor):
      return pow(factor, Float(milestones.count { progress >= Double($0) }))
    case .cosine: return Float(0.5 * (1 + cos(Double.pi * min(progress, 1))))
    }
  }
}
