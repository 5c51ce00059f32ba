extension Tensor {
  /// The running sum along an axis: element i of the result is the sum of elements 0…i.
  public func cumulativeSum(axis: Int) -> Tensor {
    apply(CumulativeSumOperation(axis: axis, isReversed: false), to: self)
  }
}

/// y_i = Σ_{j ≤ i} x_j, or Σ_{j ≥ i} x_j reversed: each is the other's gradient.
struct CumulativeSumOperation: TensorOperation {
  let axis: Int
  let isReversed: Bool

  let name = "cumulativeSum"
  var attributes: [(name: String, value: Attribute)] { [("axis", .integer(axis)), ("isReversed", .flag(isReversed))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    _ = inputs[0].axis(axis, for: name)
    return inputs
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0], axes = AxisRuns(x.shape, axis: axis, for: name)
    return [
      Tensor(uninitialized: x.shape) { y in
        guard let y = y.baseAddress, x.count > 0 else { return }
        let p = x.pointer(for: name)
        axes.forEach { start, _, count in
          for column in start..<(start + count) {
            var total = 0.0
            for step in 0..<axes.extent {
              let place = column + (isReversed ? axes.extent - 1 - step : step) * axes.inner
              total += Double(p[place])
              y[place] = Float(total)
            }
          }
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    [apply(CumulativeSumOperation(axis: axis, isReversed: !isReversed), to: gradients[0]!)]
  }
}
