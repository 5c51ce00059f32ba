/// An operation that also adds a tensor to its result and takes the positive part, where it is asked to: what kernels do
/// in one pass over their output. Made by passes alone, so that no tape ever sees one.
protocol FusedOperation: TensorOperation {
  /// The last input is added to the result.
  var hasAddend: Bool { get }
  /// max(0, y) at the very end.
  var rectifies: Bool { get }

  /// The same with another epilogue.
  func with(addend: Bool, rectifies: Bool) -> Self
}

extension FusedOperation {
  /// The same with one more input to add; nil where something came after the result already.
  var added: Self? { hasAddend || rectifies ? nil : with(addend: true, rectifies: false) }

  /// The same with a ReLU at its end; nil where it has one.
  var rectified: Self? { rectifies ? nil : with(addend: hasAddend, rectifies: true) }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    misuse(name, "belongs to compiled graphs, which have no gradient")
  }
}

/// relu(conv2d(x, scale · weight, bias) + addend).
///
/// Inputs: x, weight, bias, and the addend, of the result's shape.
struct FusedConvolution: FusedOperation {
  let convolution: Conv2dOperation
  /// What each output channel of the weight is multiplied by: the factor of a norm.
  let scale: [Double]?
  let hasAddend: Bool
  let rectifies: Bool

  let name = "fusedConvolution"
  var attributes: [(name: String, value: Attribute)] {
    convolution.attributes
      + [("scaled", .flag(scale != nil)), ("addend", .flag(hasAddend)), ("relu", .flag(rectifies))]
  }

  func with(addend: Bool, rectifies: Bool) -> FusedConvolution {
    FusedConvolution(convolution: convolution, scale: scale, hasAddend: addend, rectifies: rectifies)
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] { convolution.outputShapes(Array(inputs[..<3])) }

  func floatingPointOperations(_ inputs: [Shape]) -> Int {
    let elements = outputShapes(inputs)[0].elementCount
    return convolution.floatingPointOperations(Array(inputs[..<3])) + (hasAddend ? elements : 0)
      + (rectifies ? elements : 0)
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    var y = convolution.convolved(inputs[0], scaled(inputs[1]), bias: inputs[2])
    if hasAddend { y = y + inputs[3] }
    return [rectifies ? relu(y) : y]
  }

  private func scaled(_ weight: Tensor) -> Tensor {
    guard let scale else { return weight }
    let row = weight.count / max(scale.count, 1)
    return Tensor(weight.shape, weight.scalars.enumerated().map { Float(Double($1) * scale[$0 / row]) })
  }
}

/// relu(resize(x) + addend).
///
/// Inputs: x, and the addend, of the result's shape.
struct FusedResize: FusedOperation {
  let resize: ResizeOperation
  let hasAddend: Bool
  let rectifies: Bool

  let name = "fusedResize"
  var attributes: [(name: String, value: Attribute)] {
    resize.attributes + [("addend", .flag(hasAddend)), ("relu", .flag(rectifies))]
  }

  func with(addend: Bool, rectifies: Bool) -> FusedResize {
    FusedResize(resize: resize, hasAddend: addend, rectifies: rectifies)
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] { resize.outputShapes([inputs[0]]) }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    var y = resize.forward([inputs[0]], &context)[0]
    if hasAddend { y = y + inputs[1] }
    return [rectifies ? relu(y) : y]
  }
}
