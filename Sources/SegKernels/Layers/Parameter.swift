/// A named tensor of a module: a weight that training changes, or a statistic that it keeps.
public final class Parameter {
  /// What a parameter is for.
  public enum Role: Sendable {
    /// Learned by gradient descent.
    case weight
    /// Kept by the layer itself, such as a running mean.
    case statistic
    /// A whole number, such as the count of batches seen; a 64-bit integer in files.
    case counter
    /// Fixed by the definition of the model, such as a smoothing kernel.
    case constant
  }

  /// The current value.
  public var value: Tensor

  /// What the parameter is for.
  public let role: Role

  /// Set to keep optimizers away from a weight.
  public var isFrozen = false

  /// A parameter with a first value.
  public init(_ value: Tensor, role: Role = .weight) {
    self.value = value
    self.role = role
  }

  /// Whether gradients are wanted: an unfrozen weight.
  public var isTrainable: Bool { role == .weight && !isFrozen }

  /// The shape of the value.
  public var shape: Shape { value.shape }
}
