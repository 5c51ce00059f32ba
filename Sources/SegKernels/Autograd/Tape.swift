import CSegKernels

/// The record of a forward pass, walked backwards once.
package final class Tape: Recorder {
  private struct Node {
    let operation: any TensorOperation
    let inputs: [Int?]
    let outputs: [Int]
    let context: OperationContext
  }

  private var nodes: [Node] = []

  /// Makes a tensor a variable of this tape.
  func watch(_ tensor: Tensor) -> Tensor {
    var tensor = tensor
    tensor.trace = newTrace()
    return tensor
  }

  override func record(
    _ operation: some TensorOperation, _ inputs: [Tensor], _ values: [Int?], _ shapes: [Shape]
  ) -> [Tensor] {
    var context = OperationContext(
      isRecording: true, needsGradient: values.map { $0 != nil }, inputShapes: inputs.map(\.shape))
    // Inside an operation nothing is recorded: its backward is its own affair. What it saves must not hold on to
    // traces, either.
    var outputs = Recorder.pause { operation.forward(operation.readable(inputs).map { $0.detached() }, &context) }
    for index in outputs.indices {
      check(
        outputs[index].shape == shapes[index], operation.name,
        "its shape rule says \(shapes[index]), its forward made \(outputs[index].shape)")
      outputs[index].trace = newTrace()
    }
    nodes.append(
      Node(operation: operation, inputs: values, outputs: outputs.map { $0.trace!.value }, context: context))
    return outputs
  }

  /// The gradients of a scalar with respect to the given values, `nil` where it does not depend on one.
  ///
  /// Walks the nodes from the last to the first and frees each, with all that it saved, as soon as it is done.
  ///
  /// - Parameter whenFinal: called with the place of a variable in `variables` and its gradient, once the walk has
  ///   passed the first node that reads the variable: nothing will be added any more.
  func gradients(
    of result: Tensor, with seed: Tensor, for variables: [Int], whenFinal: ((Int, Tensor) -> Void)? = nil
  ) -> [Tensor?] {
    guard let trace = result.trace, trace.recorder == identity else { return variables.map { _ in nil } }
    var gradients: [Int: Tensor] = [trace.value: seed]
    var found: [Int: Tensor] = [:]
    let wanted = Set(variables)
    let finished = whenFinal == nil ? [:] : variablesByFirstReader(variables)
    Recorder.pause {
      while let node = nodes.popLast() {
        defer {
          for place in finished[nodes.count] ?? [] {
            if let gradient = gradients[variables[place]] { whenFinal!(place, gradient) }
          }
        }
        let incoming = node.outputs.map { gradients.removeValue(forKey: $0) }
        for (output, gradient) in zip(node.outputs, incoming) where wanted.contains(output) { found[output] = gradient }
        guard incoming.contains(where: { $0 != nil }) else { continue }
        let outgoing = node.operation.backward(node.operation.readable(incoming), node.context)
        check(
          outgoing.count == node.inputs.count, node.operation.name,
          "has \(node.inputs.count) inputs, its backward made \(outgoing.count) gradients")
        for case let (input?, (gradient?, shape)) in zip(node.inputs, zip(outgoing, node.context.inputShapes)) {
          check(
            gradient.shape == shape, node.operation.name, "its gradient has shape \(gradient.shape), its input \(shape)"
          )
          if var sum = gradients.removeValue(forKey: input) {
            accumulate(gradient, into: &sum)
            gradients[input] = sum
          } else {
            gradients[input] = gradient
          }
        }
      }
    }
    return variables.map { found[$0] ?? gradients[$0] }
  }

  /// The places in `variables` of those that a node is the first to read, by the node's number.
  private func variablesByFirstReader(_ variables: [Int]) -> [Int: [Int]] {
    let places = Dictionary(zip(variables, variables.indices), uniquingKeysWith: { first, _ in first })
    var readers: [Int: [Int]] = [:], seen: Set<Int> = []
    for (number, node) in nodes.enumerated() {
      for case let input? in node.inputs {
        if let place = places[input], seen.insert(place).inserted { readers[number, default: []].append(place) }
      }
    }
    return readers
  }
}

/// sum += gradient, in place where no one else holds `sum`.
func accumulate(_ gradient: Tensor, into sum: inout Tensor) {
  let kernels = kernels, gradient = gradient.inLayout(sum.layout)
  let (source, target) = (gradient.pointer(for: "gradient"), sum.exclusivePointer())
  parallelRuns(sum.layout.storedCount(sum.shape)) {
    kernels.accumulate(source + $0.lowerBound, target + $0.lowerBound, $0.count)
  }
  withExtendedLifetime(gradient) {}
}
