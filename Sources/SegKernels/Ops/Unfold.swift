import CSegKernels

/// The pixels under each position of a sliding window, as columns: N×C×H×W to N×(C·kH·kW)×L, L positions row by row.
///
/// Semantics as PyTorch's `unfold`; its gradient adds up what several windows share.
public func unfold(_ x: Tensor, kernel: Pair, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1) -> Tensor {
  apply(UnfoldOperation(window: Window(kernel: kernel, stride: stride, padding: padding, dilation: dilation)), to: x)
}

struct UnfoldOperation: TensorOperation {
  let window: Window

  let name = "unfold"
  var attributes: [(name: String, value: Attribute)] { window.attributes }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let x = inputs[0], size = window.outputSize(x, for: name)
    return [[x[0], x[1] * window.kernel.height * window.kernel.width, size.height * size.width]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 0 }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0], kernels = kernels, geometry = window.geometry(inputs[0].shape, for: name)
    let shape = outputShapes([x.shape])[0]
    let area = x.shape[2] * x.shape[3], rows = shape[1] / max(x.shape[1], 1) * shape[2]
    return [
      Tensor(uninitialized: shape) { y in
        guard let y = y.baseAddress else { return }
        let p = x.pointer(for: name)
        parallelFor(x.shape[0] * x.shape[1]) { plane in
          withUnsafePointer(to: geometry) {
            kernels.gatherColumns(p + plane * area, $0, 1, 0, shape[2], y + plane * rows)
          }
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!.rowMajor(), shape = context.inputShapes[0], kernels = kernels
    let geometry = window.geometry(shape, for: name)
    let area = shape[2] * shape[3], rows = dy.shape[1] / max(shape[1], 1) * dy.shape[2]
    return [
      Tensor(uninitialized: shape) { dx in
        guard let dx = dx.baseAddress else { return }
        let d = dy.pointer(for: name)
        parallelFor(shape[0] * shape[1]) { plane in
          (dx + plane * area).update(repeating: 0, count: area)
          withUnsafePointer(to: geometry) {
            kernels.scatterColumns(d + plane * rows, $0, 1, 0, dy.shape[2], dx + plane * area)
          }
        }
        withExtendedLifetime(dy) {}
      }
    ]
  }
}
