/// A module's parameters and statistics averaged over the steps of a training: often a better network than the last one.
///
/// average ← d · average + (1 − d) · value, with d = min(decay, (1 + t)/(10 + t)) after t updates, so that the first steps,
/// which are far from where training ends, are soon forgotten. Counters are taken as they are.
public final class ExponentialMovingAverage {
  /// The share of the old average that stays.
  public let decay: Float
  /// The averages by the module's names, and `updates`.
  public var state: [String: Tensor] = [:]

  /// An average of nothing yet.
  public init(decay: Float) {
    check((0..<1).contains(decay), "ExponentialMovingAverage", "the decay must be in 0..<1, found \(decay)")
    self.decay = decay
  }

  /// Takes in a module as it is now.
  public func update(_ module: any Module) {
    let updates = state["updates"]?.scalar ?? 0
    let kept = min(decay, (1 + updates) / (10 + updates))
    for (name, parameter) in module.state {
      let value = parameter.value.detached()
      guard parameter.role != .counter, let average = state["average." + name] else {
        state["average." + name] = value
        continue
      }
      state["average." + name] = average * kept + value * (1 - kept)
    }
    state["updates"] = Tensor(updates + 1)
  }

  /// Gives a module the averages in place of its own values.
  public func apply(to module: any Module) {
    for (name, parameter) in module.state {
      if let average = state["average." + name] { parameter.value = average }
    }
  }
}
