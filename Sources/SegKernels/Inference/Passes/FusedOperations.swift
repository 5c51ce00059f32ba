import CSegKernels

/// An operation that passes alone make, so that no tape ever sees one.
protocol CompiledOperation: TensorOperation {}

extension CompiledOperation {
  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    misuse(name, "belongs to compiled graphs, which have no gradient")
  }
}

/// An operation that also adds a tensor to its result and takes the positive part, where it is asked to: what kernels do
/// in one pass over their output.
protocol FusedOperation: CompiledOperation {
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
}

/// Rows and columns around an image; negative where some of the image's own are left out.
struct Border: Equatable {
  var (top, bottom, left, right) = (0, 0, 0, 0)

  static let none = Border()
}

/// chain(relu(conv2d(x with a border of zeros, scale · weight, bias) + addend)).
///
/// Inputs: x, weight, bias, and the addend, of the result's shape.
struct FusedConvolution: FusedOperation {
  var convolution: Conv2dOperation
  /// What each output channel of the weight is multiplied by: the factor of a norm.
  let scale: [Double]?
  private(set) var hasAddend: Bool
  private(set) var rectifies: Bool
  /// Zeros around the image, beside the convolution's own padding.
  var border = Border.none
  /// What is done to each element at the end; it needs no other map.
  var chain: ElementwiseChain?

  let name = "fusedConvolution"
  var attributes: [(name: String, value: Attribute)] {
    convolution.attributes + [
      ("scaled", .flag(scale != nil)), ("addend", .flag(hasAddend)), ("relu", .flag(rectifies)),
      ("border", .integers([border.top, border.bottom, border.left, border.right])),
      ("links", .integer(chain?.links.count ?? 0)),
    ]
  }

  init(convolution: Conv2dOperation, scale: [Double]? = nil) {
    self.convolution = convolution
    self.scale = scale
    (hasAddend, rectifies) = (false, false)
  }

  func with(addend: Bool, rectifies: Bool) -> FusedConvolution {
    var other = self
    (other.hasAddend, other.rectifies) = (addend, rectifies)
    return other
  }

  private func bordered(_ x: Shape) -> Shape {
    [x[0], x[1], x[2] + border.top + border.bottom, x[3] + border.left + border.right]
  }

  /// The convolution's numbers for a kernel that takes what lies outside the image as zeros.
  func geometry(_ x: Shape) -> SKConvGeometry {
    var geometry = convolution.window.geometry(bordered(x), for: name)
    (geometry.height, geometry.width) = (Int32(x[2]), Int32(x[3]))
    geometry.paddingHeight += Int32(border.top)
    geometry.paddingWidth += Int32(border.left)
    return geometry
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    convolution.outputShapes([bordered(inputs[0]), inputs[1], inputs[2]])
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int {
    let y = outputShapes(inputs)[0]
    return convolution.floatingPointOperations([bordered(inputs[0]), inputs[1], inputs[2]])
      + (hasAddend ? y.elementCount : 0) + (rectifies ? y.elementCount : 0)
      + (chain?.floatingPointOperations([y]) ?? 0)
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x =
      border == .none
      ? inputs[0]
      : inputs[0].padded(top: border.top, bottom: border.bottom, left: border.left, right: border.right)
    var y = convolution.convolved(x, scaled(inputs[1]), bias: inputs[2])
    if hasAddend { y = y + inputs[3] }
    if rectifies { y = relu(y) }
    return chain?.forward([y], &context) ?? [y]
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
