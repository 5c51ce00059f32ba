/// A module's parameters and statistics averaged over the steps of a training: often a better network than the last one.
///
/// average ← d · average + (1 − d) · value, with d = min(decay, (1 + t)/(10 + t)) after t updates, so that the first steps,
/// which are far from where training ends, are soon forgotten. Counters are taken as they are.
public final class ExponentialMovingAverage {
  /// The share of the old average that stays.
  public let decay: Float
  /// The averages, by the module's names.
  public var averages: [String: Tensor] = [:]
  /// How many times a module was taken in.
  public var updates = 0

  /// An average of nothing yet.
  public init(decay: Float) {
    check((0..<1).contains(decay), "ExponentialMovingAverage", "the decay must be in 0..<1, found \(decay)")
    self.decay = decay
  }

  /// Takes in a module as it is now.
  public func update(_ module: any Module) {
    let kept = min(decay, Float(1 + updates) / Float(10 + updates))
    for (name, parameter) in module.state {
      let value = parameter.value.detached()
      guard parameter.role != .counter, let average = averages[name] else {
        averages[name] = value
        continue
      }
      averages[name] = average * kept + value * (1 - kept)
    }
    updates += 1
  }

  /// Gives a module the averages in place of its own values.
  public func apply(to module: any Module) {
    for (name, parameter) in module.state {
      if let average = averages[name] { parameter.value = average }
    }
  }
}
