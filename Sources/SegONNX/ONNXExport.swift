import SegKernels

/// An operation that ONNX has no word for, or none in this package's export.
public struct ONNXExportError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was asked for.
  public let description: String
}

extension Graph {
  /// The graph as an ONNX model of opset 17. Norms stay norms.
  ///
  /// - Parameters:
  ///   - other: the same network captured for another batch and size, each side and the batch larger by a factor of its
  ///     own: extents that differ between the two are left open in the file. Without it the file takes the shapes of
  ///     this graph alone.
  ///   - producer: the name that the file gives its maker.
  /// - Throws: `ONNXExportError` naming the first operation that cannot be written, or that depends on the size.
  public func onnxModel(openWhereUnlike other: Graph? = nil, producer: String = "SegKernels") throws
    -> [UInt8]
  {
    var export = ONNXExport(expandingComposed(), (other ?? self).expandingComposed())
    try export.checkSameOperations()
    return try export.model(producer)
  }
}

/// Reads a graph by the names and attributes of its operations, and writes a ModelProto.
struct ONNXExport {
  let graph: Graph
  /// The graph again, or captured for another size.
  let other: Graph
  private(set) var names: [Graph.ValueID: String] = [:]
  /// The GraphProto's nodes and initializers.
  private var body = WireWriter()
  private var fresh = 0
  /// Extents worked out from the image's, by what they are.
  private var extentNames: [ExtentShare: String] = [:]

  init(_ graph: Graph, _ other: Graph) {
    (self.graph, self.other) = (graph, other)
    var taken: Set<String> = []
    for (id, value) in graph.values.enumerated() {
      let name = value.name.isEmpty || taken.contains(value.name) ? "value.\(id)" : value.name
      taken.insert(name)
      names[id] = name
    }
    for (index, id) in graph.inputs.enumerated() {
      names[id] = index == 0 ? "image" : "image.\(index)"
    }
    for (index, id) in graph.outputs.enumerated() {
      if case .node = graph.values[id].source {
        names[id] = index == 0 ? "logits" : "output.\(index)"
      }
    }
  }

  /// Attributes that follow from shapes are compared where they are written, all others here.
  func checkSameOperations() throws {
    func differ(_ what: String) -> ONNXExportError {
      ONNXExportError(
        description: "\(what) depends on the image's size: expected an export for one size")
    }
    guard graph.values.count == other.values.count, graph.nodes.count == other.nodes.count else {
      throw differ("the number of operations")
    }
    for (a, b) in zip(graph.nodes, other.nodes) {
      let name = a.operation.name
      let followsShapes = ONNXExport.followingShapes.contains(name)
      let isSame =
        name == b.operation.name && a.inputs == b.inputs
        && (followsShapes
          || a.operation.attributes.elementsEqual(b.operation.attributes) { $0 == $1 })
      guard isSame else { throw differ("operation '\(name)'") }
    }
    for (a, b) in zip(graph.values, other.values) {
      guard case .constant(let x) = a.source else { continue }
      guard case .constant(let y) = b.source,
        x.shape == y.shape ? x.scalars == y.scalars : isUniform(x, y)
      else {
        throw differ("a constant of shape \(a.shape)")
      }
    }
  }

  /// Operations whose attributes follow from the shapes around them.
  private static let followingShapes: Set = [
    "resize", "reshape", "broadcast", "slice", "flip", "pad", "indexSelect", "groupNorm",
  ]

  /// Whether all elements of both are one number: such a constant may be as large as the image asks for.
  private func isUniform(_ x: Tensor, _ y: Tensor) -> Bool {
    guard let value = x.scalars.first, x.rank == y.rank else { return false }
    return x.scalars.allSatisfy { $0 == value } && y.scalars.allSatisfy { $0 == value }
  }

  mutating func model(_ producer: String) throws -> [UInt8] {
    for (id, value) in graph.values.enumerated() {
      guard case .constant(let tensor) = value.source else { continue }
      guard value.shape != other.values[id].shape else {
        constant(names[id]!, tensor.scalars, Array(value.shape))
        continue
      }
      let shape = try extentList(
        extents(id).enumerated().map { axis, extent in
          try extent.map(Extent.known)
            ?? .share(share(value.shape[axis], other.values[id].shape[axis], of: "a constant"))
        })
      self.node("Expand", [real(tensor.scalars[0]), shape], to: names[id]!)
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

  mutating func constant(_ name: String, _ values: [Float], _ shape: [Int]) {
    body.message(5) { tensor in
      for extent in shape { tensor.integer(1, extent) }
      tensor.integer(2, 1)
      tensor.text(8, name)
      tensor.run(9, values.withUnsafeBytes { Array($0) })
    }
  }

  /// Numbers as a constant of their own.
  mutating func reals(_ values: [Float], _ shape: [Int]) -> String {
    let name = newName()
    constant(name, values, shape)
    return name
  }

  /// Whole numbers as a constant of their own.
  mutating func integers(_ values: [Int], _ shape: [Int]? = nil) -> String {
    let name = newName()
    body.message(5) { tensor in
      for extent in shape ?? [values.count] { tensor.integer(1, extent) }
      tensor.integer(2, 7)
      tensor.text(8, name)
      tensor.run(9, values.map { Int64($0) }.withUnsafeBytes { Array($0) })
    }
    return name
  }

  mutating func real(_ value: Float) -> String { reals([value], []) }

  /// An extent worked out from the image's, as a list of one; made once.
  mutating func extent(_ share: ExtentShare) -> String {
    if let known = extentNames[share] { return known }
    let shape = node("Shape", [names[graph.inputs[0]]!])
    var name = node("Gather", [shape, integers([share.axis])], [("axis", .integer(0))])
    if share.numerator != 1 { name = node("Mul", [name, integers([share.numerator])]) }
    if share.denominator != 1 { name = node("Div", [name, integers([share.denominator])]) }
    extentNames[share] = name
    return name
  }

  mutating func newName() -> String {
    fresh += 1
    return "made.\(fresh)"
  }

  /// Writes a node; without a name for its result it makes one.
  @discardableResult
  mutating func node(
    _ kind: String, _ inputs: [String], _ attributes: [(String, Attribute)] = [],
    to output: String? = nil
  ) -> String {
    let output = output ?? newName()
    node(kind, inputs, attributes, results: [output])
    return output
  }

  /// Writes a node with several results.
  mutating func node(
    _ kind: String, _ inputs: [String], _ attributes: [(String, Attribute)] = [], results: [String]
  ) {
    body.message(1) { node in
      for input in inputs { node.text(1, input) }
      for output in results { node.text(2, output) }
      node.text(3, "\(kind) \(results[0])")
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
  }
}
