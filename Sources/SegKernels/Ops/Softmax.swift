import CSegKernels

/// eˣ / Σ eˣ along an axis, 1 (the channels) by default; safe for any finite logits.
public func softmax(_ x: Tensor, axis: Int = 1) -> Tensor { apply(SoftmaxOperation(axis: axis, isLog: false), to: x) }

/// log softmax(x) along an axis, 1 (the channels) by default.
public func logSoftmax(_ x: Tensor, axis: Int = 1) -> Tensor { apply(SoftmaxOperation(axis: axis, isLog: true), to: x) }

/// The index of the largest element along an axis, 1 (the channels) by default; the first of equals.
///
/// Not differentiable, and not capturable: it is the last step, from logits to labels.
public func argmax(_ x: Tensor, axis: Int = 1) -> Labels {
  let axes = AxisRuns(x.shape, axis: axis, for: "argmax")
  check(axes.extent > 0, "argmax", "axis \(axis) of shape \(x.shape) is empty")
  let kernels = kernels, x = x.rowMajor()
  var dimensions = x.shape.dimensions
  dimensions.remove(at: x.shape.axis(axis, for: "argmax"))
  return Labels(uninitialized: Shape(dimensions)) { y in
    guard let y = y.baseAddress, x.count > 0 else { return }
    let p = x.pointer(for: "argmax")
    axes.forEach(
      rows: { kernels.argmaxRows(p + $0 * axes.extent, y + $0, axes.extent, $1) },
      runs: { kernels.argmax(p + $0, y + $1, Int32(axes.extent), axes.inner, $2) })
    withExtendedLifetime(x) {}
  }
}

struct SoftmaxOperation: TensorOperation {
  let axis: Int
  let isLog: Bool

  var name: String { isLog ? "logSoftmax" : "softmax" }
  var attributes: [(name: String, value: Attribute)] { [("axis", .integer(axis))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    _ = inputs[0].axis(axis, for: name)
    return inputs
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 5 * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0], axes = AxisRuns(x.shape, axis: axis, for: name), kernels = kernels
    let (rows, runs) = isLog ? (kernels.logSoftmaxRows!, kernels.logSoftmax!) : (kernels.softmaxRows!, kernels.softmax!)
    let y = Tensor(uninitialized: x.shape) { y in
      guard let y = y.baseAddress, x.count > 0 else { return }
      let p = x.pointer(for: name), extent = axes.extent
      axes.forEach(
        rows: { rows(p + $0 * extent, y + $0 * extent, extent, $1) },
        runs: { start, _, count in runs(p + start, y + start, Int32(extent), axes.inner, count) })
      withExtendedLifetime(x) {}
    }
    if context.isRecording { context.saved = [y] }
    return [y]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let y = context.saved[0], dy = gradients[0]!.rowMajor(), axes = AxisRuns(y.shape, axis: axis, for: name)
    let kernels = kernels
    let rows = isLog ? kernels.logSoftmaxGradientRows! : kernels.softmaxGradientRows!
    let runs = isLog ? kernels.logSoftmaxGradient! : kernels.softmaxGradient!
    return [
      Tensor(uninitialized: y.shape) { dx in
        guard let dx = dx.baseAddress, y.count > 0 else { return }
        let (p, d) = (y.pointer(for: name), dy.pointer(for: name)), extent = axes.extent
        axes.forEach(
          rows: { rows(p + $0 * extent, d + $0 * extent, dx + $0 * extent, extent, $1) },
          runs: { start, _, count in runs(p + start, d + start, dx + start, Int32(extent), axes.inner, count) })
        withExtendedLifetime((y, dy)) {}
      }
    ]
  }
}
