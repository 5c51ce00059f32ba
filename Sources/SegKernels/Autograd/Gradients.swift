import CSegKernels

/// The gradients of a loss with respect to the parameters of a module.
public struct Gradients: Sendable {
  private var byParameter: [ObjectIdentifier: Tensor]

  package init(_ byParameter: [ObjectIdentifier: Tensor]) { self.byParameter = byParameter }

  /// The gradient of one parameter; `nil` if the loss does not depend on it.
  public subscript(parameter: Parameter) -> Tensor? {
    get { byParameter[ObjectIdentifier(parameter)] }
    set { byParameter[ObjectIdentifier(parameter)] = newValue }
  }

  /// The number of parameters that have a gradient.
  public var count: Int { byParameter.count }

  /// The Euclidean norm of all gradients taken as one vector.
  public var norm: Float {
    Float(byParameter.values.reduce(0) { $0 + squaredNorm($1) }.squareRoot())
  }

  /// Multiplies every gradient by a factor: what clipping and accumulation need.
  public mutating func scale(by factor: Float) { byParameter = byParameter.mapValues { $0 * factor } }

  /// Shrinks all gradients by one factor, if their norm is larger, to that norm.
  public mutating func clip(toNorm limit: Float) {
    let norm = norm
    if norm > limit { scale(by: limit / norm) }
  }

  /// Adds the gradients of another batch.
  public mutating func add(_ other: Gradients) {
    byParameter.merge(other.byParameter) { sum, gradient in
      var sum = sum
      accumulate(gradient, into: &sum)
      return sum
    }
  }

  private func squaredNorm(_ tensor: Tensor) -> Double {
    tensor.withUnsafeBufferPointer { $0.isEmpty ? 0 : kernels.sumOfSquaredDeviations($0.baseAddress!, 0, $0.count) }
  }
}

/// The value of a scalar loss, and its gradients with respect to a module's trainable parameters.
///
/// ```swift
/// let (loss, gradients) = valueAndGradient(of: net) { crossEntropy($0(batch.images), batch.labels, ignoreIndex: 255) }
/// ```
/// Traps if the loss is not a scalar. Intermediate values are freed while the gradients are computed.
///
/// - Parameters:
///   - net: the module whose parameters get gradients.
///   - whenFinal: called with each parameter and its gradient as soon as nothing will be added to that any more, while
///     the gradients of earlier layers are still to come: time to send it to other processes.
///   - loss: makes a scalar of the module; called on the tape.
public func valueAndGradient<Net: Module>(
  of net: Net, whenFinal: ((Parameter, Tensor) -> Void)? = nil, _ loss: (Net) throws -> Tensor
) rethrows -> (value: Tensor, gradients: Gradients) {
  let tape = Tape()
  let parameters = net.parameters.filter(\.isTrainable)
  for parameter in parameters { parameter.value = tape.watch(parameter.value) }
  defer { for parameter in parameters { parameter.value.trace = nil } }
  let value = try tape.record { try loss(net) }
  check(value.count == 1, "valueAndGradient", "the loss must be a scalar, found shape \(value.shape)")
  let found = tape.gradients(
    of: value, with: Tensor(value.shape, filledWith: 1), for: parameters.map { $0.value.trace!.value },
    whenFinal: whenFinal.map { whenFinal in { whenFinal(parameters[$0], $1) } })
  let pairs = zip(parameters, found).compactMap { parameter, gradient in
    gradient.map { (ObjectIdentifier(parameter), $0) }
  }
  return (value.detached(), Gradients(Dictionary(uniqueKeysWithValues: pairs)))
}

/// The value of a function of tensors, and the gradients of ⟨cotangent, value⟩ with respect to them: zeros where the
/// value does not depend on one.
///
/// - Parameters:
///   - inputs: where the gradients are taken.
///   - cotangent: what the value is weighted with; 1 for a scalar by default.
///   - function: of the inputs; called on the tape.
public func valueAndGradient(
  at inputs: [Tensor], cotangent: Tensor? = nil, _ function: ([Tensor]) throws -> Tensor
) rethrows -> (value: Tensor, gradients: [Tensor]) {
  let tape = Tape()
  let variables = inputs.map(tape.watch)
  let value = try tape.record { try function(variables) }
  let seed = cotangent ?? Tensor(value.shape, filledWith: 1)
  check(
    seed.shape == value.shape && (cotangent != nil || value.count == 1), "valueAndGradient",
    "the value has shape \(value.shape); give a cotangent of that shape, found \(seed.shape)")
  let found = tape.gradients(of: value, with: seed, for: variables.map { $0.trace!.value })
  return (value.detached(), zip(found, inputs).map { $0 ?? Tensor.zeros($1.shape) })
}
