/// A graph that a pass is rewriting. Nodes are replaced in place; what nobody needs any more is dropped at the end.
struct GraphEditor {
  private(set) var values: [Graph.Value]
  private(set) var nodes: [Graph.Node]
  private let inputs: [Graph.ValueID]
  private let outputs: [Graph.ValueID]
  /// Which node makes a value.
  private var producers: [Graph.ValueID: Int] = [:]
  /// How many nodes and outputs take a value.
  private var uses: [Graph.ValueID: Int] = [:]

  init(_ graph: Graph) {
    values = graph.values
    nodes = graph.nodes
    inputs = graph.inputs
    outputs = graph.outputs
    for (index, node) in nodes.enumerated() {
      for id in node.outputs { producers[id] = index }
      for id in node.inputs { uses[id, default: 0] += 1 }
    }
    for id in outputs { uses[id, default: 0] += 1 }
  }

  /// The value of a constant.
  func constant(_ id: Graph.ValueID) -> Tensor? {
    if case .constant(let tensor) = values[id].source { tensor } else { nil }
  }

  /// The node that makes a value for one user alone: what that user may absorb.
  func soleProducer(of id: Graph.ValueID) -> Int? { uses[id] == 1 ? producers[id] : nil }

  /// The node that makes a value; nil for inputs and constants.
  func producer(of id: Graph.ValueID) -> Int? { producers[id] }

  /// Adds a constant.
  mutating func addConstant(_ tensor: Tensor, name: String = "") -> Graph.ValueID {
    values.append(Graph.Value(shape: tensor.shape, source: .constant(tensor), name: name))
    return values.count - 1
  }

  /// Puts another operation in a node's place; its result stays the same value.
  mutating func replace(_ index: Int, with operation: any TensorOperation, inputs: [Graph.ValueID]) {
    for id in nodes[index].inputs { uses[id]! -= 1 }
    for id in inputs { uses[id, default: 0] += 1 }
    nodes[index] = Graph.Node(operation: operation, inputs: inputs, outputs: nodes[index].outputs)
  }

  /// Puts an operation that does the work of a node and of the sole producer of one of its inputs in the node's place.
  mutating func replace(
    _ index: Int, absorbing producer: Int, with operation: any TensorOperation, inputs: [Graph.ValueID]
  ) {
    replace(index, with: operation, inputs: inputs)
    for id in nodes[producer].inputs { uses[id]! -= 1 }
    nodes[producer] = Graph.Node(operation: operation, inputs: [], outputs: nodes[producer].outputs)
  }

  /// The graph without what no output needs, its values numbered anew.
  func finish() -> Graph {
    var needed = Set(outputs)
    var kept: [Graph.Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: needed.contains) {
      kept.append(node)
      needed.formUnion(node.inputs)
    }
    kept.reverse()
    needed.formUnion(inputs)
    needed.formUnion(kept.flatMap(\.outputs))
    var makers: [Graph.ValueID: Int] = [:]
    for (index, node) in kept.enumerated() { for id in node.outputs { makers[id] = index } }
    var numbers: [Graph.ValueID: Graph.ValueID] = [:]
    var remaining: [Graph.Value] = []
    for (id, value) in values.enumerated() where needed.contains(id) {
      numbers[id] = remaining.count
      let source = makers[id].map { Graph.Value.Source.node($0) } ?? value.source
      remaining.append(Graph.Value(shape: value.shape, source: source, name: value.name))
    }
    return Graph(
      values: remaining,
      nodes: kept.map { node in
        Graph.Node(
          operation: node.operation, inputs: node.inputs.map { numbers[$0]! },
          outputs: node.outputs.map { numbers[$0]! })
      },
      inputs: inputs.map { numbers[$0]! }, outputs: outputs.map { numbers[$0]! })
  }
}
