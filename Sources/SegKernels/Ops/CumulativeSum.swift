import CSegKernels

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
    let x = inputs[0], axes = AxisRuns(x.shape, axis: axis, for: name), kernels = kernels
    return [
      Tensor(uninitialized: x.shape) { y in
        guard let y = y.baseAddress, x.count > 0 else { return }
        let p = x.pointer(for: name), extent = axes.extent, reversed: Int32 = isReversed ? 1 : 0
        axes.forEach(
          rows: { kernels.cumulateRows(p + $0 * extent, y + $0 * extent, extent, reversed, $1) },
          runs: { start, _, count in
            kernels.cumulate(p + start, y + start, Int32(extent), axes.inner, reversed, count)
          })
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    [apply(CumulativeSumOperation(axis: axis, isReversed: !isReversed), to: gradients[0]!)]
  }
}
