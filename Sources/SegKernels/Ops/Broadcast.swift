extension Tensor {
  /// The value repeated along axes of extent 1 (and new leading ones) until it has `shape`.
  public func broadcast(to shape: Shape) -> Tensor { apply(BroadcastOperation(shape: shape), to: self) }
}

/// Repeats a value along axes of extent 1; the gradient is summed along them.
struct BroadcastOperation: TensorOperation {
  let shape: Shape

  let name = "broadcast"
  var attributes: [(name: String, value: Attribute)] { [("shape", .integers(shape.dimensions))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    check(inputs[0].broadcast(with: shape) == shape, name, "shape \(inputs[0]) does not broadcast to \(shape)")
    return [shape]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 0 }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0]
    let plan = BroadcastPlan(x.shape, shape)
    return [
      Tensor(uninitialized: shape) { y in
        guard let y = y.baseAddress, shape.elementCount > 0 else { return }
        let p = x.pointer(for: name)
        plan.forEach { source, _, start, count in
          if plan.strideA == 0 {
            (y + start).update(repeating: p[source], count: count)
          } else {
            (y + start).update(from: p + source, count: count)
          }
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    [summed(gradients[0]!, to: context.inputShapes[0])]
  }
}
