import CSegKernels

/// The maximum under a sliding window; padding never wins.
///
/// - Parameters:
///   - x: N×C×H×W.
///   - kernel: rows and columns of the window.
///   - stride: steps of the window; the kernel's size by default.
///   - padding: rows and columns on either side.
///   - dilation: the distance between the window's taps.
///   - ceilMode: also make a last window that reaches over the edge, as long as it starts inside the image.
public func maxPool2d(
  _ x: Tensor, kernel: Pair, stride: Pair? = nil, padding: Pair = 0, dilation: Pair = 1, ceilMode: Bool = false
) -> Tensor {
  let window = Window(
    kernel: kernel, stride: stride ?? kernel, padding: padding, dilation: dilation, ceilMode: ceilMode)
  return apply(MaxPoolOperation(window: window), to: x)
}

/// The maximum under a sliding window, and where it was: its index row · W + column within the H×W plane, the first of
/// equals, as PyTorch's `max_pool2d` with `return_indices` has it.
///
/// The gradient goes through the values. Where the maxima are depends on the data, so that this cannot be captured:
/// inside `Graph.capture` it traps, and `maxPool2d` does not. Traps as well if a window holds nothing but padding, which
/// takes dilation.
public func maxPool2dWithIndices(
  _ x: Tensor, kernel: Pair, stride: Pair? = nil, padding: Pair = 0, dilation: Pair = 1, ceilMode: Bool = false
) -> (values: Tensor, indices: Labels) {
  let window = Window(
    kernel: kernel, stride: stride ?? kernel, padding: padding, dilation: dilation, ceilMode: ceilMode)
  let indices = MaxPoolOperation(window: window).pooled(x.rowMajor(), findingPlaces: true).places!
  check(
    indices.stranger(to: x.shape[2] * x.shape[3], ignoring: nil) == nil, "maxPool2d",
    "a window of \(kernel) with padding \(padding) and dilation \(dilation) holds no pixel of shape \(x.shape)")
  // What was chosen is a matter of the data; what it is, gather knows the gradient of.
  let planes = x.reshaped(x.shape[0], x.shape[1], x.shape[2] * x.shape[3]), shape = indices.shape
  let flat = indices.reshaped([shape[0], shape[1], shape[2] * shape[3]])
  return (gather(planes, axis: 2, indices: flat).reshaped(shape), indices)
}

/// The mean under a sliding window.
///
/// - Parameters:
///   - x: N×C×H×W.
///   - kernel: rows and columns of the window.
///   - stride: steps of the window; the kernel's size by default.
///   - padding: zeros on either side, of rows and of columns.
///   - countIncludesPadding: whether the zeros of the padding count in the divisor, as PyTorch's do.
public func averagePool2d(
  _ x: Tensor, kernel: Pair, stride: Pair? = nil, padding: Pair = 0, countIncludesPadding: Bool = true
) -> Tensor {
  let window = Window(kernel: kernel, stride: stride ?? kernel, padding: padding)
  return apply(AveragePoolOperation(window: window, countIncludesPadding: countIncludesPadding), to: x)
}

/// Calls `body` with the number of each plane of N×C, in parallel.
private func forEachPlane(_ shape: Shape, _ body: (Int) -> Void) { parallelFor(shape[0] * shape[1], body) }

private func pooledShape(_ x: Shape, _ window: Window, _ name: String) -> Shape {
  let size = window.outputSize(x, for: name)
  check(
    window.padding.height * 2 <= window.kernel.height && window.padding.width * 2 <= window.kernel.width, name,
    "padding \(window.padding) is more than half of kernel \(window.kernel)")
  return [x[0], x[1], size.height, size.width]
}

/// y[i] = max of x under window i; its gradient goes to the first maximum.
struct MaxPoolOperation: TensorOperation {
  let window: Window

  let name = "maxPool2d"
  var attributes: [(name: String, value: Attribute)] { window.attributes }

  func outputShapes(_ inputs: [Shape]) -> [Shape] { [pooledShape(inputs[0], window, name)] }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let (y, places) = pooled(inputs[0], findingPlaces: context.isRecording)
    if let places { context.savedIndices = [places] }
    return [y]
  }

  /// The maxima, and if wanted their indices within their planes: −1 under a window without a pixel, whose maximum is −∞.
  fileprivate func pooled(_ x: Tensor, findingPlaces: Bool) -> (values: Tensor, places: Labels?) {
    let kernels = kernels, geometry = window.geometry(x.shape, for: name)
    let shape = outputShapes([x.shape])[0]
    let (area, outputArea) = (x.shape[2] * x.shape[3], shape[2] * shape[3])
    func values(_ places: UnsafeMutablePointer<Int32>?) -> Tensor {
      Tensor(uninitialized: shape) { y in
        let y = y.baseAddress!, p = x.pointer(for: name)
        forEachPlane(shape) { plane in
          let first = plane * outputArea
          withUnsafePointer(to: geometry) {
            kernels.maxPool(p + plane * area, $0, y + first, places.map { $0 + first })
          }
        }
        withExtendedLifetime(x) {}
      }
    }
    guard findingPlaces else { return (values(nil), nil) }
    var y: Tensor!
    let places = Labels(uninitialized: shape) { y = values($0.baseAddress!) }
    return (y, places)
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!.rowMajor(), indices = context.savedIndices[0], shape = context.inputShapes[0]
    let (area, outputArea) = (shape[2] * shape[3], dy.shape[2] * dy.shape[3]), kernels = kernels
    return [
      Tensor(uninitialized: shape) { dx in
        let dx = dx.baseAddress!, d = dy.pointer(for: name)
        indices.withUnsafeBufferPointer { indices in
          let indices = indices.baseAddress!
          forEachPlane(shape) { plane in
            let first = plane * outputArea
            kernels.maxPoolGradient(d + first, indices + first, outputArea, dx + plane * area, area)
          }
        }
        withExtendedLifetime(dy) {}
      }
    ]
  }
}

/// y[i] = mean of x under window i.
struct AveragePoolOperation: TensorOperation {
  let window: Window
  let countIncludesPadding: Bool

  let name = "averagePool2d"
  var attributes: [(name: String, value: Attribute)] {
    window.attributes + [("countIncludesPadding", .flag(countIncludesPadding))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] { [pooledShape(inputs[0], window, name)] }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0], geometry = window.geometry(x.shape, for: name), kernels = kernels
    return [
      map(x, to: outputShapes([x.shape])[0]) { source, target in
        withUnsafePointer(to: geometry) { kernels.averagePool(source, $0, countIncludesPadding ? 1 : 0, target) }
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let shape = context.inputShapes[0], geometry = window.geometry(shape, for: name), kernels = kernels
    return [
      map(gradients[0]!.rowMajor(), to: shape) { source, target in
        withUnsafePointer(to: geometry) { geometry in
          withWorkspace(kernels.averagePoolGradientScratch(geometry)) {
            kernels.averagePoolGradient(source, geometry, countIncludesPadding ? 1 : 0, target, $0)
          }
        }
      }
    ]
  }

  private func map(
    _ x: Tensor, to shape: Shape, _ body: (_ plane: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>) -> Void
  ) -> Tensor {
    let (sourceArea, area) = (x.shape[2] * x.shape[3], shape[2] * shape[3])
    return Tensor(uninitialized: shape) { y in
      let y = y.baseAddress!, p = x.pointer(for: name)
      forEachPlane(shape) { body(p + $0 * sourceArea, y + $0 * area) }
      withExtendedLifetime(x) {}
    }
  }
}
