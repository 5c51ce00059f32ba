/// One call of an operation as a value: its name and attributes, its shape rule, its forward and its backward.
///
/// Everything that happens to tensors passes through ``apply(_:to:)->[Tensor]`` as such a value; the tape, the capture
/// of a `Graph`, FLOP counts and the operation table all read it. An operation that is not in the package is written
/// the same way: conform a struct to this protocol and call `apply`.
public protocol TensorOperation: Sendable {
  /// The name, as users know the function: `conv2d`.
  var name: String { get }

  /// The plain attributes, for printing and export.
  var attributes: [(name: String, value: Attribute)] { get }

  /// The shapes of the results. Traps, naming both shapes, where the inputs do not fit.
  func outputShapes(_ inputs: [Shape]) -> [Shape]

  /// Computes the results. What `backward` needs goes into the context, if it is recording.
  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor]

  /// The gradients with respect to the inputs, given those of the results (`nil`: no one asked for that result's).
  ///
  /// May return `nil` for inputs without a gradient, and for those that `context.needsGradient` does not ask for.
  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?]

  /// Floating-point operations of the forward pass, a multiply-add counting 2.
  func floatingPointOperations(_ inputs: [Shape]) -> Int
}

extension TensorOperation {
  public var attributes: [(name: String, value: Attribute)] { [] }

  public func floatingPointOperations(_ inputs: [Shape]) -> Int {
    outputShapes(inputs).reduce(0) { $0 + $1.elementCount }
  }
}

/// An operation that takes images in channel blocks as they are, and their gradients too: it asks each tensor for its
/// layout. All others are handed row-major tensors.
package protocol BlockedOperation: TensorOperation {}

/// An operation that others could take the place of: one kernel where they would be many passes over memory.
package protocol ComposedOperation: TensorOperation {
  /// The same, operation by operation.
  func composed(_ inputs: [Tensor]) -> Tensor
}

extension TensorOperation {
  /// Tensors in a layout that this operation can read.
  func readable(_ tensors: [Tensor]) -> [Tensor] {
    self is any BlockedOperation ? tensors : tensors.map { $0.rowMajor() }
  }

  /// Gradients in a layout that this operation can read.
  func readable(_ gradients: [Tensor?]) -> [Tensor?] {
    self is any BlockedOperation ? gradients : gradients.map { $0?.rowMajor() }
  }
}

/// A plain attribute of an operation.
public enum Attribute: Sendable, Hashable {
  /// A whole number.
  case integer(Int)
  /// Several whole numbers.
  case integers([Int])
  /// A real number.
  case real(Float)
  /// Yes or no.
  case flag(Bool)
  /// A word.
  case text(String)
}

/// What passes from an operation's forward to its backward.
public struct OperationContext: Sendable {
  /// False when no backward will follow: nothing need be saved.
  public let isRecording: Bool
  /// Which inputs want a gradient.
  public let needsGradient: [Bool]
  /// The shapes of the inputs.
  public let inputShapes: [Shape]
  /// Tensors that forward keeps for backward.
  public var saved: [Tensor] = []
  /// Indices that forward keeps for backward.
  public var savedIndices: [Labels] = []

  package init(isRecording: Bool, needsGradient: [Bool], inputShapes: [Shape]) {
    self.isRecording = isRecording
    self.needsGradient = needsGradient
    self.inputShapes = inputShapes
  }
}

/// Applies an operation to tensors: the one door that every computation passes.
///
/// Inside `valueAndGradient` the call is recorded on the tape; inside `Graph.capture` it becomes a node, and nothing
/// is computed; elsewhere it is computed at once.
public func apply(_ operation: some TensorOperation, to inputs: [Tensor]) -> [Tensor] {
  let shapes = operation.outputShapes(inputs.map(\.shape))
  if let recorder = Recorder.current {
    let values = inputs.map { $0.trace?.recorder == recorder.identity ? $0.trace!.value : nil }
    if values.contains(where: { $0 != nil }) { return recorder.record(operation, inputs, values, shapes) }
  }
  var context = OperationContext(
    isRecording: false, needsGradient: inputs.map { _ in false }, inputShapes: inputs.map(\.shape))
  return operation.forward(operation.readable(inputs), &context)
}

/// Applies an operation that has one result.
public func apply(_ operation: some TensorOperation, to inputs: Tensor...) -> Tensor {
  apply(operation, to: inputs)[0]
}
