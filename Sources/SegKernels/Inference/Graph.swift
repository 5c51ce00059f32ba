/// A network as data: the operations that it applies, captured once for given input shapes. Immutable.
///
/// ```swift
/// let graph = Graph.capture(inputs: [[1, 3, 512, 1024]], parameters: net) { [net($0[0])] }
/// let logits = graph([image])[0]
/// ```
/// Passes rewrite graphs; import and export speak them.
public struct Graph: Sendable {
  /// The number of a value in ``values``.
  public typealias ValueID = Int

  /// One value: where it comes from, and its shape.
  public struct Value: Sendable {
    /// Where a value comes from.
    public enum Source: Sendable {
      /// Handed in at each run.
      case input
      /// Known when the graph was captured, a weight for instance.
      case constant(Tensor)
      /// Made by a node.
      case node(Int)
    }

    /// The extents, outermost first.
    public let shape: Shape
    /// Where the value comes from.
    public let source: Source
    /// The published name of a parameter; "" for other values.
    public let name: String
  }

  /// One application of an operation.
  public struct Node: Sendable {
    /// What is applied.
    public let operation: any TensorOperation
    /// The values that go in.
    public let inputs: [ValueID]
    /// The values that come out.
    public let outputs: [ValueID]
  }

  /// Every value, by its number.
  public let values: [Value]
  /// The applications, in the order in which they were made: each after those that it needs.
  public let nodes: [Node]
  /// The values that go in.
  public let inputs: [ValueID]
  /// The values that come out.
  public let outputs: [ValueID]

  /// Records what `body` applies to inputs of the given shapes. Nothing is computed from the inputs; reading their
  /// data traps, naming the operation that tried.
  ///
  /// - Parameters:
  ///   - shapes: one for each input.
  ///   - parameters: a module whose parameters get their published names.
  ///   - body: makes outputs of the inputs.
  public static func capture(
    inputs shapes: [Shape], parameters: (any Module)? = nil, _ body: ([Tensor]) throws -> [Tensor]
  ) rethrows -> Graph {
    let pairs = (parameters?.state ?? []).compactMap { name, parameter in
      parameter.value.storageIdentity.map { ($0, name) }
    }
    return try capture(inputs: shapes, names: Dictionary(pairs, uniquingKeysWith: { first, _ in first }), body)
  }

  /// - Parameter names: of constants, by their memory.
  static func capture(
    inputs shapes: [Shape], names: [ObjectIdentifier: String], _ body: ([Tensor]) throws -> [Tensor]
  ) rethrows -> Graph {
    let capture = GraphCapture(names: names)
    let inputs = shapes.map { capture.newValue($0, .input) }
    let outputs = try capture.record { try body(inputs) }
    return capture.finish(inputs: inputs, outputs: outputs)
  }

  /// Runs the operations one by one on the inputs: the bits are those of the module that was captured.
  public func callAsFunction(_ inputs: [Tensor]) -> [Tensor] {
    check(
      inputs.map(\.shape) == self.inputs.map { values[$0].shape }, "Graph",
      "captured for inputs \(self.inputs.map { values[$0].shape }), found \(inputs.map(\.shape))")
    var live: [ValueID: Tensor] = Dictionary(uniqueKeysWithValues: zip(self.inputs, inputs))
    var usesLeft: [ValueID: Int] = [:]
    for id in nodes.flatMap(\.inputs) + outputs { usesLeft[id, default: 0] += 1 }
    func take(_ id: ValueID) -> Tensor {
      if case .constant(let tensor) = values[id].source { return tensor }
      let tensor = live[id]!
      usesLeft[id]! -= 1
      if usesLeft[id] == 0 { live[id] = nil }
      return tensor
    }
    for node in nodes {
      let results = apply(node.operation, to: node.inputs.map(take))
      for (id, result) in zip(node.outputs, results) where usesLeft[id] != nil { live[id] = result }
    }
    return outputs.map(take)
  }

  /// Floating-point operations of one run, a multiply-add counting 2.
  public var floatingPointOperations: Int {
    nodes.reduce(0) { $0 + $1.operation.floatingPointOperations($1.inputs.map { values[$0].shape }) }
  }
}

extension Tensor {
  /// The tensor as a value of the graph that is being captured: what is applied to it is recorded and not computed.
  func captured() -> Tensor {
    guard hasData, let capture = Recorder.current as? GraphCapture else { return self }
    return capture.newValue(shape, .constant(detached()))
  }
}

/// The recorder behind `Graph.capture`: operations become nodes, nothing is computed.
private final class GraphCapture: Recorder {
  private var values: [Graph.Value] = []
  private var nodes: [Graph.Node] = []
  /// Constants met so far, by their memory and shape.
  private var constants: [ConstantKey: Graph.ValueID] = [:]
  private let names: [ObjectIdentifier: String]

  private struct ConstantKey: Hashable {
    let storage: ObjectIdentifier
    let shape: Shape
  }

  init(names: [ObjectIdentifier: String]) { self.names = names }

  func newValue(_ shape: Shape, _ source: Graph.Value.Source) -> Tensor {
    values.append(Graph.Value(shape: shape, source: source, name: ""))
    return Tensor(symbolic: shape, trace: newTrace())
  }

  override func record(
    _ operation: some TensorOperation, _ inputs: [Tensor], _ values: [Int?], _ shapes: [Shape]
  ) -> [Tensor] {
    let ids = zip(inputs, values).map { $1 ?? constant($0) }
    let outputs = shapes.map { newValue($0, .node(nodes.count)) }
    nodes.append(Graph.Node(operation: operation, inputs: ids, outputs: outputs.map { $0.trace!.value }))
    return outputs
  }

  func finish(inputs: [Tensor], outputs: [Tensor]) -> Graph {
    let outputs = outputs.map { $0.trace?.recorder == identity ? $0.trace!.value : constant($0) }
    return Graph(values: values, nodes: nodes, inputs: inputs.map { $0.trace!.value }, outputs: outputs)
  }

  private func constant(_ tensor: Tensor) -> Graph.ValueID {
    guard let storage = tensor.storageIdentity else {
      misuse("Graph.capture", "a value of shape \(tensor.shape) belongs to another capture")
    }
    let key = ConstantKey(storage: storage, shape: tensor.shape)
    if let known = constants[key] { return known }
    let id = newTrace().value
    values.append(Graph.Value(shape: tensor.shape, source: .constant(tensor.detached()), name: names[storage] ?? ""))
    constants[key] = id
    return id
  }
}
