extension Graph {
  /// Writes every ``ComposedOperation`` out in the operations that it stands for, so that what reads graphs elsewhere need
  /// not know it. Names of constants are kept.
  package func expandingComposed() -> Graph {
    guard nodes.contains(where: { $0.operation is any ComposedOperation }) else { return self }
    var names: [ObjectIdentifier: String] = [:]
    for value in values where !value.name.isEmpty {
      if case .constant(let tensor) = value.source, let storage = tensor.storageIdentity { names[storage] = value.name }
    }
    let expanded = Graph.capture(inputs: inputs.map { values[$0].shape }, names: names) { images in
      var live = Dictionary(uniqueKeysWithValues: zip(inputs, images))
      func value(_ id: ValueID) -> Tensor {
        if case .constant(let tensor) = values[id].source { tensor } else { live[id]! }
      }
      for node in nodes {
        let arguments = node.inputs.map(value)
        // What is read of a map can be far larger than the map: it is not computed here, even of a constant.
        let isReading = node.operation is SampledSumOperation
        let composed = (node.operation as? any ComposedOperation)?.composed(
          isReading ? arguments.map { $0.captured() } : arguments)
        let results = composed.map { [$0] } ?? apply(node.operation, to: arguments)
        for (id, result) in zip(node.outputs, results) { live[id] = result }
      }
      return outputs.map(value)
    }
    // One composed operation may be made of others.
    return expanded.expandingComposed()
  }
}
