import SegKernels

/// What each operation of a graph is called in ONNX.
extension ONNXExport {
  private static let sameName = [
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "exp": "Exp", "log": "Log",
    "sqrt": "Sqrt", "abs": "Abs",
    "negate": "Neg", "reciprocal": "Reciprocal", "softplus": "Softplus", "erf": "Erf", "sin": "Sin",
    "cos": "Cos", "acos": "Acos",
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "minimum": "Min",
  ]

  /// Writes an operation of the graph.
  mutating func write(_ node: Graph.Node) throws {
    let name = node.operation.name
    let inputs = node.inputs.map { names[$0]! }
    let output = names[node.outputs[0]]!
    let shape = graph.values[node.outputs[0]].shape
    let attributes = Dictionary(node.operation.attributes.map { ($0.name, $0.value) }) { first, _ in
      first
    }
    func integers(_ name: String) -> [Int] {
      if case .integers(let values)? = attributes[name] { values } else { [] }
    }
    func integer(_ name: String) -> Int {
      if case .integer(let value)? = attributes[name] { value } else { 0 }
    }
    func flag(_ name: String) -> Bool {
      if case .flag(let value)? = attributes[name] { value } else { false }
    }
    func real(_ name: String) -> Float {
      if case .real(let value)? = attributes[name] { value } else { 0 }
    }
    func text(_ name: String) -> String {
      if case .text(let value)? = attributes[name] { value } else { "" }
    }
    let pads = integers("padding") + integers("padding")
    let window: [(String, Attribute)] = [
      ("kernel_shape", .integers(integers("kernel"))), ("strides", .integers(integers("stride"))),
      ("pads", .integers(pads)),
    ]
    let filter =
      window + [
        ("dilations", .integers(integers("dilation"))), ("group", .integer(integer("groups"))),
      ]
    func refuse(_ why: String = "") -> ONNXExportError {
      ONNXExportError(
        description: "operation '\(name)' of shape \(shape) cannot be written to ONNX"
          + (why.isEmpty ? "" : ": \(why)")
      )
    }
    if name == "instanceHeatmaps" { return try writeHeatmaps(node, attributes) }
    guard node.outputs.count == 1 else { throw refuse("it has \(node.outputs.count) results") }
    if let kind = ONNXExport.sameName[name] {
      self.node(kind, inputs, to: output)
      return
    }
    switch name {
    case "conv2d": self.node("Conv", inputs, filter, to: output)
    case "transposedConv2d":
      self.node(
        "ConvTranspose", inputs,
        filter + [("output_padding", .integers(integers("outputPadding")))], to: output)
    case "batchNorm" where inputs.count == 5:
      self.node("BatchNormalization", inputs, [("epsilon", .real(real("epsilon")))], to: output)
    case "square": self.node("Mul", [inputs[0], inputs[0]], to: output)
    case "gelu":
      let inner = self.node(
        "Erf", [self.node("Mul", [inputs[0], self.real(Float(0.5).squareRoot())])])
      let half = self.node("Mul", [inputs[0], self.real(0.5)])
      self.node("Mul", [half, self.node("Add", [inner, self.real(1)])], to: output)
    case "maximum" where inputs.count == 2: self.node("Max", inputs, to: output)
    case "maximum":
      self.node(
        "ReduceMax", inputs,
        reduction(node, integers("axes"), flag("keepDimensions"), withAxes: true), to: output)
    case "sum":
      let axes = self.integers(reducedAxes(node, integers("axes")))
      self.node(
        "ReduceSum", inputs + [axes], reduction(node, [], flag("keepDimensions"), withAxes: false),
        to: output)
    case "maxPool2d":
      self.node(
        "MaxPool", inputs,
        window + [
          ("dilations", .integers(integers("dilation"))), ("ceil_mode", .flag(flag("ceilMode"))),
        ], to: output)
    case "averagePool2d":
      self.node(
        "AveragePool", inputs,
        window + [("count_include_pad", .flag(flag("countIncludesPadding")))], to: output)
    case "adaptiveAveragePool2d":
      let size = integers("outputSize")
      let x = graph.values[node.inputs[0]].shape
      if size == [1, 1] {
        self.node("GlobalAveragePool", inputs, to: output)
      } else if extents(node.inputs[0])[2...].contains(nil) {
        throw refuse("\(size[0])×\(size[1]) cells of any size: expected an export for one size")
      } else if x[2] % size[0] == 0, x[3] % size[1] == 0 {
        let cell = Attribute.integers([x[2] / size[0], x[3] / size[1]])
        self.node("AveragePool", inputs, [("kernel_shape", cell), ("strides", cell)], to: output)
      } else {
        // Cells overlap: every plane between two matrices.
        let rows = averages(x[2], size[0])
        let columns = averages(x[3], size[1])
        let wide = self.node(
          "MatMul", inputs + [self.node("Transpose", [columns], [("perm", .integers([1, 0]))])])
        self.node("MatMul", [rows, wide], to: output)
      }
    case "resize":
      let size = integers("size")
      let rows = integers("rows")
      let columns = integers("columns")
      let isWhole = rows + columns == [0, size[0], 0, size[1]]
      guard isWhole || !extents(node.outputs[0]).contains(nil) else {
        throw refuse("only a part of the result is made: expected an export for one size")
      }
      let isNearest = text("interpolation") == "nearest"
      let corners = isNearest ? "asymmetric" : flag("alignCorners") ? "align_corners" : "half_pixel"
      let whole = self.node(
        "Resize", [inputs[0]] + (try resizing(node, size)),
        [
          ("mode", .text(isNearest ? "nearest" : "linear")),
          ("coordinate_transformation_mode", .text(corners)),
          ("nearest_mode", .text("floor")),
        ], to: isWhole ? output : nil)
      if !isWhole {
        let (starts, ends) = (
          self.integers([rows[0], columns[0]]), self.integers([rows[1], columns[1]])
        )
        self.node("Slice", [whole, starts, ends, self.integers([2, 3])], to: output)
      }
    case "softmax": self.node("Softmax", inputs, [("axis", .integer(integer("axis")))], to: output)
    case "logSoftmax":
      self.node("LogSoftmax", inputs, [("axis", .integer(integer("axis")))], to: output)
    case "concatenate":
      self.node("Concat", inputs, [("axis", .integer(integer("axis")))], to: output)
    case "reshape": self.node("Reshape", [inputs[0], try target(node)], to: output)
    case "broadcast": self.node("Expand", [inputs[0], try target(node)], to: output)
    case "slice", "flip", "pad", "indexSelect":
      try writeIndexMap(node, name, integer("axis"), real("filler"))
    case "gather":
      let indices = self.integers(integers("indices"), Array(shape))
      self.node(
        "GatherElements", [inputs[0], indices], [("axis", .integer(integer("axis")))], to: output)
    case "select":
      // Cast: whatever is not 0 is true.
      let condition = self.node("Cast", [inputs[0]], [("to", .integer(9))])
      self.node("Where", [condition] + inputs[1...], to: output)
    case "gridSample":
      self.node(
        "GridSample", inputs,
        [
          ("mode", .text(text("interpolation"))), ("padding_mode", .text(text("edge"))),
          ("align_corners", .flag(flag("alignCorners"))),
        ], to: output)
    case "layerNorm": try writeLayerNorm(node, integer("run"), real("epsilon"))
    case "groupNorm": try writeGroupNorm(node, real("epsilon"))
    case "cumulativeSum":
      self.node("CumSum", [inputs[0], self.integers([integer("axis")])], to: output)
    case "permute":
      self.node("Transpose", inputs, [("perm", .integers(integers("axes")))], to: output)
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

  func reducedAxes(_ node: Graph.Node, _ axes: [Int]) -> [Int] {
    axes.isEmpty ? Array(0..<graph.values[node.inputs[0]].shape.rank) : axes
  }

  private func reduction(
    _ node: Graph.Node, _ axes: [Int], _ keeps: Bool, withAxes: Bool
  ) -> [(String, Attribute)] {
    [("keepdims", .flag(keeps))] + (withAxes ? [("axes", .integers(reducedAxes(node, axes)))] : [])
  }

  /// Runs of the last axes brought to mean 0 and variance 1.
  private mutating func writeLayerNorm(_ node: Graph.Node, _ run: Int, _ epsilon: Float) throws {
    let shape = Array(graph.values[node.inputs[0]].shape)
    let input = names[node.inputs[0]]!
    let output = names[node.outputs[0]]!
    var first = shape.count
    var count = 1
    while first > 0, count < run {
      first -= 1
      count *= shape[first]
    }
    guard count == run, !extents(node.inputs[0])[first...].contains(nil) else {
      throw ONNXExportError(
        description:
          "operation 'layerNorm' of shape \(Shape(shape)) over runs of \(run) cannot be written to ONNX"
      )
    }
    let ones = reals([Float](repeating: 1, count: run), Array(shape[first...]))
    self.node(
      "LayerNormalization", [input, ones],
      [("axis", .integer(first)), ("epsilon", .real(epsilon))], to: output)
  }

  /// Groups of channels brought to mean 0 and variance 1: as instances of so many channels.
  private mutating func writeGroupNorm(_ node: Graph.Node, _ epsilon: Float) throws {
    guard
      case .integer(let run)? = node.operation.attributes.first(where: { $0.name == "run" })?.value
    else { return }
    let shape = graph.values[node.inputs[0]].shape
    let input = names[node.inputs[0]]!
    let groups = shape.elementCount / shape[0] / run
    let rows = self.node("Reshape", [input, integers([0, groups, -1])])
    let ones = reals([Float](repeating: 1, count: groups), [groups])
    let zeros = reals([Float](repeating: 0, count: groups), [groups])
    let y = self.node("InstanceNormalization", [rows, ones, zeros], [("epsilon", .real(epsilon))])
    self.node("Reshape", [y, self.node("Shape", [input])], to: names[node.outputs[0]]!)
  }

  /// The matrix cells×extent whose rows are the means of an adaptive pooling's cells ⌊i·in/out⌋ ..< ⌈(i+1)·in/out⌉.
  private mutating func averages(_ extent: Int, _ cells: Int) -> String {
    var values = [Float](repeating: 0, count: cells * extent)
    for cell in 0..<cells {
      let range = (cell * extent / cells)..<(((cell + 1) * extent + cells - 1) / cells)
      for place in range { values[cell * extent + place] = 1 / Float(range.count) }
    }
    return reals(values, [cells, extent])
  }
}
