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
    axes.forEach { source, target, count in
      kernels.argmax(p + source, y + target, Int32(axes.extent), axes.inner, count)
    }
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
    let x = inputs[0], axes = AxisRuns(x.shape, axis: axis, for: name)
    let kernel = isLog ? kernels.logSoftmax! : kernels.softmax!
    let y = Tensor(uninitialized: x.shape) { y in
      guard let y = y.baseAddress, x.count > 0 else { return }
      let p = x.pointer(for: name)
      axes.forEach { start, _, count in kernel(p + start, y + start, Int32(axes.extent), axes.inner, count) }
      withExtendedLifetime(x) {}
    }
    if context.isRecording { context.saved = [y] }
    return [y]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let y = context.saved[0], dy = gradients[0]!.rowMajor(), axes = AxisRuns(y.shape, axis: axis, for: name)
    let kernel = isLog ? kernels.logSoftmaxGradient! : kernels.softmaxGradient!
    return [
      Tensor(uninitialized: y.shape) { dx in
        guard let dx = dx.baseAddress, y.count > 0 else { return }
        let (p, d) = (y.pointer(for: name), dy.pointer(for: name))
        axes.forEach { start, _, count in
          kernel(p + start, d + start, dx + start, Int32(axes.extent), axes.inner, count)
        }
        withExtendedLifetime((y, dy)) {}
      }
    ]
  }
}

/// A tensor seen along one axis: `outer` blocks of `extent` rows of `inner` elements.
struct AxisRuns {
  let outer: Int, extent: Int, inner: Int

  init(_ shape: Shape, axis: Int, for operation: String) {
    let axis = shape.axis(axis, for: operation)
    outer = shape[..<axis].reduce(1, *)
    extent = shape[axis]
    inner = shape[(axis + 1)...].reduce(1, *)
  }

  /// Calls `body` with runs of neighbouring columns, in parallel: where a run starts in the tensor, where in one
  /// without the axis, and how many columns it has.
  func forEach(_ body: (_ start: Int, _ flatStart: Int, _ count: Int) -> Void) {
    let grain = 4096
    let runs = (inner + grain - 1) / grain
    parallelFor(outer * runs) { task in
      let (block, run) = task.quotientAndRemainder(dividingBy: max(runs, 1))
      let first = run * grain
      body(block * extent * inner + first, block * inner + first, min(grain, inner - first))
    }
  }
}
