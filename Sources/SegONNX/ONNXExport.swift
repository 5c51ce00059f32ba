import SegKernels

/// An operation that ONNX has no word for, or none in this package's export.
public struct ONNXExportError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was asked for.
  public let description: String
}

extension Graph {
  /// The graph as an ONNX model of opset 17. Norms stay norms.
  ///
  /// - Parameter other: the same network captured for another batch and size: extents that differ between the two are
  ///   left open in the file. Without it the file takes the shapes of this graph alone.
  /// - Throws: `ONNXExportError` naming the first operation that cannot be written, or that depends on the size.
  public func onnxModel(openWhereUnlike other: Graph? = nil, producer: String = "SegKernels") throws -> [UInt8] {
    var export = ONNXExport(self, other ?? self)
    try export.checkSameOperations()
    return try export.model(producer)
  }
}

/// Reads a graph by the names and attributes of its operations, and writes a ModelProto.
private struct ONNXExport {
  private let graph: Graph
  /// The graph again, or captured for another size.
  private let other: Graph
  private var names: [Graph.ValueID: String] = [:]
  /// The GraphProto's nodes and initializers.
  private var body = WireWriter()
  private var fresh = 0

  init(_ graph: Graph, _ other: Graph) {
    (self.graph, self.other) = (graph, other)
    var taken: Set<String> = []
    for (id, value) in graph.values.enumerated() {
      let name = value.name.isEmpty || taken.contains(value.name) ? "value.\(id)" : value.name
      taken.insert(name)
      names[id] = name
    }
    for (index, id) in graph.inputs.enumerated() { names[id] = index == 0 ? "image" : "image.\(index)" }
    for (index, id) in graph.outputs.enumerated() {
      if case .node = graph.values[id].source { names[id] = index == 0 ? "logits" : "output.\(index)" }
    }
  }

  /// Attributes that follow from shapes are compared where they are written, all others here.
  func checkSameOperations() throws {
    func differ(_ what: String) -> ONNXExportError {
      ONNXExportError(description: "\(what) depends on the image's size: expected an export for one size")
    }
    guard graph.values.count == other.values.count, graph.nodes.count == other.nodes.count else {
      throw differ("the number of operations")
    }
    for (a, b) in zip(graph.nodes, other.nodes) {
      let name = a.operation.name, followsShapes = ["resize", "reshape", "broadcast"].contains(name)
      let isSame =
        name == b.operation.name && a.inputs == b.inputs
        && (followsShapes || a.operation.attributes.elementsEqual(b.operation.attributes) { $0 == $1 })
      guard isSame else { throw differ("operation '\(name)'") }
    }
    for (a, b) in zip(graph.values, other.values) {
      guard case .constant(let x) = a.source else { continue }
      guard case .constant(let y) = b.source, x.shape == y.shape, x.scalars == y.scalars else {
        throw differ("a constant of shape \(a.shape)")
      }
    }
  }

  /// The extents of a value; nil where they are open.
  private func extents(_ id: Graph.ValueID) -> [Int?] {
    zip(graph.values[id].shape, other.values[id].shape).map { $0 == $1 ? $0 : nil }
  }

  /// A shape as Reshape and Expand want it: one open extent may be worked out, that of the batch copied.
  private mutating func target(_ node: Graph.Node) throws -> String {
    var open = extents(node.outputs[0])
    let source = extents(node.inputs[0])
    if let first = open.first, first == nil, let batch = source.first, batch == nil { open[0] = 0 }
    guard open.count(where: { $0 == nil }) <= (node.operation.name == "reshape" ? 1 : 0) else {
      throw ONNXExportError(
        description: "operation '\(node.operation.name)' of shape \(graph.values[node.outputs[0]].shape) depends on the "
          + "image's size: expected an export for one size")
    }
    return integers(open.map { $0 ?? -1 })
  }

  /// What Resize takes after the image: fixed sizes, or exact factors where the sizes are open.
  private mutating func resizing(_ node: Graph.Node) throws -> [String] {
    let output = node.outputs[0], input = node.inputs[0], shape = graph.values[output].shape
    if !extents(output).contains(nil) { return ["", "", integers(Array(shape))] }
    var factors: [Float] = [1, 1]
    for axis in 2...3 {
      let factor = Float(shape[axis]) / Float(graph.values[input].shape[axis])
      let isExact = [graph, other].allSatisfy {
        Double($0.values[input].shape[axis]) * Double(factor) == Double($0.values[output].shape[axis])
      }
      guard isExact else {
        throw ONNXExportError(
          description: "operation 'resize' to shape \(shape) is by no fixed factor: expected an export for one size")
      }
      factors.append(factor)
    }
    let name = newName()
    constant(name, factors, [4])
    return ["", name]
  }

  mutating func model(_ producer: String) throws -> [UInt8] {
    for (id, value) in graph.values.enumerated() {
      guard case .constant(let tensor) = value.source else { continue }
      constant(names[id]!, tensor.scalars, Array(value.shape))
    }
    for node in graph.nodes { try write(node) }
    body.text(2, "network")
    for id in graph.inputs { valueInfo(11, id) }
    for id in graph.outputs { valueInfo(12, id) }
    var model = WireWriter()
    model.integer(1, 8)
    model.text(2, producer)
    model.run(7, body.bytes)
    model.message(8) {
      $0.text(1, "")
      $0.integer(2, 17)
    }
    return model.bytes
  }

  private mutating func valueInfo(_ field: Int, _ id: Graph.ValueID) {
    let (name, extents) = (names[id]!, extents(id))
    let open = field == 11 ? ["batch", "channels", "height", "width"] : ["batch"]
    body.message(field) { info in
      info.text(1, name)
      info.message(2) { type in
        type.message(1) { tensor in
          tensor.integer(1, 1)
          tensor.message(2) { list in
            for (axis, extent) in extents.enumerated() {
              list.message(1) { dimension in
                if let extent { return dimension.integer(1, extent) }
                dimension.text(2, axis < open.count ? open[axis] : "\(name).\(axis)")
              }
            }
          }
        }
      }
    }
  }

  private mutating func constant(_ name: String, _ values: [Float], _ shape: [Int]) {
    body.message(5) { tensor in
      for extent in shape { tensor.integer(1, extent) }
      tensor.integer(2, 1)
      tensor.text(8, name)
      tensor.run(9, values.withUnsafeBytes { Array($0) })
    }
  }

  /// Whole numbers as a constant of their own.
  private mutating func integers(_ values: [Int]) -> String {
    let name = newName()
    body.message(5) { tensor in
      tensor.integer(1, values.count)
      tensor.integer(2, 7)
      tensor.text(8, name)
      tensor.run(9, values.map { Int64($0) }.withUnsafeBytes { Array($0) })
    }
    return name
  }

  private mutating func real(_ value: Float) -> String {
    let name = newName()
    constant(name, [value], [])
    return name
  }

  private mutating func newName() -> String {
    fresh += 1
    return "made.\(fresh)"
  }

  /// Writes a node; without a name for its result it makes one.
  @discardableResult
  private mutating func node(
    _ kind: String, _ inputs: [String], _ attributes: [(String, Attribute)] = [], to output: String? = nil
  ) -> String {
    let output = output ?? newName()
    body.message(1) { node in
      for input in inputs { node.text(1, input) }
      node.text(2, output)
      node.text(3, "\(kind) \(output)")
      node.text(4, kind)
      for (name, value) in attributes {
        node.message(5) { attribute in
          attribute.text(1, name)
          switch value {
          case .integer(let value):
            attribute.integer(3, value)
            attribute.integer(20, 2)
          case .flag(let value):
            attribute.integer(3, value ? 1 : 0)
            attribute.integer(20, 2)
          case .real(let value):
            attribute.real(2, value)
            attribute.integer(20, 1)
          case .text(let value):
            attribute.text(4, value)
            attribute.integer(20, 3)
          case .integers(let values):
            for value in values { attribute.integer(8, value) }
            attribute.integer(20, 7)
          }
        }
      }
    }
    return output
  }

  private static let sameName = [
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "abs": "Abs",
    "negate": "Neg", "reciprocal": "Reciprocal", "softplus": "Softplus", "sin": "Sin", "cos": "Cos", "acos": "Acos",
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "minimum": "Min",
  ]

  private mutating func write(_ node: Graph.Node) throws {
    let name = node.operation.name, inputs = node.inputs.map { names[$0]! }, output = names[node.outputs[0]]!
    let shape = graph.values[node.outputs[0]].shape
    let attributes = Dictionary(node.operation.attributes.map { ($0.name, $0.value) }) { first, _ in first }
    func integers(_ name: String) -> [Int] { if case .integers(let values)? = attributes[name] { values } else { [] } }
    func integer(_ name: String) -> Int { if case .integer(let value)? = attributes[name] { value } else { 0 } }
    func flag(_ name: String) -> Bool { if case .flag(let value)? = attributes[name] { value } else { false } }
    func real(_ name: String) -> Float { if case .real(let value)? = attributes[name] { value } else { 0 } }
    func text(_ name: String) -> String { if case .text(let value)? = attributes[name] { value } else { "" } }
    let pads = integers("padding") + integers("padding")
    let window: [(String, Attribute)] = [
      ("kernel_shape", .integers(integers("kernel"))), ("strides", .integers(integers("stride"))),
      ("pads", .integers(pads)),
    ]
    let filter = window + [("dilations", .integers(integers("dilation"))), ("group", .integer(integer("groups")))]
    func refuse(_ why: String = "") -> ONNXExportError {
      ONNXExportError(
        description: "operation '\(name)' of shape \(shape) cannot be written to ONNX" + (why.isEmpty ? "" : ": \(why)")
      )
    }
    guard node.outputs.count == 1 else { throw refuse("it has \(node.outputs.count) results") }
    if let kind = ONNXExport.sameName[name] {
      self.node(kind, inputs, to: output)
      return
    }
    switch name {
    case "conv2d": self.node("Conv", inputs, filter, to: output)
    case "transposedConv2d":
      self.node(
        "ConvTranspose", inputs, filter + [("output_padding", .integers(integers("outputPadding")))], to: output)
    case "batchNorm" where inputs.count == 5:
      self.node("BatchNormalization", inputs, [("epsilon", .real(real("epsilon")))], to: output)
    case "square": self.node("Mul", [inputs[0], inputs[0]], to: output)
    case "gelu":
      let inner = self.node("Erf", [self.node("Mul", [inputs[0], self.real(Float(0.5).squareRoot())])])
      let half = self.node("Mul", [inputs[0], self.real(0.5)])
      self.node("Mul", [half, self.node("Add", [inner, self.real(1)])], to: output)
    case "maximum" where inputs.count == 2: self.node("Max", inputs, to: output)
    case "maximum":
      self.node(
        "ReduceMax", inputs, reduction(node, integers("axes"), flag("keepDimensions"), withAxes: true), to: output)
    case "sum":
      let axes = self.integers(reducedAxes(node, integers("axes")))
      self.node(
        "ReduceSum", inputs + [axes], reduction(node, [], flag("keepDimensions"), withAxes: false), to: output)
    case "maxPool2d":
      self.node(
        "MaxPool", inputs,
        window + [("dilations", .integers(integers("dilation"))), ("ceil_mode", .flag(flag("ceilMode")))], to: output)
    case "averagePool2d":
      self.node(
        "AveragePool", inputs, window + [("count_include_pad", .flag(flag("countIncludesPadding")))], to: output)
    case "adaptiveAveragePool2d":
      let size = integers("outputSize"), x = graph.values[node.inputs[0]].shape
      if size == [1, 1] {
        self.node("GlobalAveragePool", inputs, to: output)
      } else if x[2] % size[0] == 0, x[3] % size[1] == 0 {
        let cell = Attribute.integers([x[2] / size[0], x[3] / size[1]])
        self.node("AveragePool", inputs, [("kernel_shape", cell), ("strides", cell)], to: output)
      } else {
        throw refuse("\(size[0])×\(size[1]) cells do not divide shape \(x)")
      }
    case "resize":
      let size = integers("size")
      guard integers("rows") == [0, size[0]], integers("columns") == [0, size[1]] else {
        throw refuse("only a part of the result is made")
      }
      let isNearest = text("interpolation") == "nearest"
      let corners = isNearest ? "asymmetric" : flag("alignCorners") ? "align_corners" : "half_pixel"
      self.node(
        "Resize", [inputs[0]] + (try resizing(node)),
        [
          ("mode", .text(isNearest ? "nearest" : "linear")), ("coordinate_transformation_mode", .text(corners)),
          ("nearest_mode", .text("floor")),
        ], to: output)
    case "softmax": self.node("Softmax", inputs, [("axis", .integer(integer("axis")))], to: output)
    case "logSoftmax": self.node("LogSoftmax", inputs, [("axis", .integer(integer("axis")))], to: output)
    case "concatenate": self.node("Concat", inputs, [("axis", .integer(integer("axis")))], to: output)
    case "reshape": self.node("Reshape", [inputs[0], try target(node)], to: output)
    case "broadcast": self.node("Expand", [inputs[0], try target(node)], to: output)
    case "permute": self.node("Transpose", inputs, [("perm", .integers(integers("axes")))], to: output)
    case "clamp":
      self.node("Clip", [inputs[0], self.real(real("low")), self.real(real("high"))], to: output)
    case "matmul":
      var b = inputs[1]
      if flag("transposesB") {
        let rank = graph.values[node.inputs[1]].shape.rank
        let order = Array(0..<(rank - 2)) + [rank - 1, rank - 2]
        b = self.node("Transpose", [b], [("perm", .integers(order))])
      }
      self.node("MatMul", [inputs[0], b], to: output)
    default: throw refuse()
    }
  }

  private func reducedAxes(_ node: Graph.Node, _ axes: [Int]) -> [Int] {
    axes.isEmpty ? Array(0..<graph.values[node.inputs[0]].shape.rank) : axes
  }

  private func reduction(
    _ node: Graph.Node, _ axes: [Int], _ keeps: Bool, withAxes: Bool
  ) -> [(String, Attribute)] {
    [("keepdims", .flag(keeps))] + (withAxes ? [("axes", .integers(reducedAxes(node, axes)))] : [])
  }
}
