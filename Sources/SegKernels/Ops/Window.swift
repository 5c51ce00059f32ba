import CSegKernels

/// A window that slides over an image: what convolution and pooling have in common.
struct Window: Sendable, Hashable {
  var kernel: Pair
  var stride: Pair = 1
  var padding: Pair = 0
  var dilation: Pair = 1
  /// Round the number of positions up: a last window may reach over the edge if it starts inside image or padding.
  var ceilMode = false

  var attributes: [(name: String, value: Attribute)] {
    [
      ("kernel", .integers([kernel.height, kernel.width])), ("stride", .integers([stride.height, stride.width])),
      ("padding", .integers([padding.height, padding.width])),
      ("dilation", .integers([dilation.height, dilation.width])), ("ceilMode", .flag(ceilMode)),
    ]
  }

  /// The number of positions along both directions:
  /// ⌊(extent + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1.
  func outputSize(_ shape: Shape, for operation: String) -> Pair {
    check(shape.rank == 4, operation, "expected N×C×H×W, found shape \(shape)")
    check(
      stride.height > 0 && stride.width > 0 && dilation.height > 0 && dilation.width > 0 && kernel.height > 0
        && kernel.width > 0 && padding.height >= 0 && padding.width >= 0, operation,
      "kernel \(kernel), stride \(stride) and dilation \(dilation) must be positive, padding \(padding) not negative")
    func positions(_ extent: Int, _ path: KeyPath<Pair, Int>) -> Int {
      let reach = dilation[keyPath: path] * (kernel[keyPath: path] - 1) + 1
      let room = extent + 2 * padding[keyPath: path] - reach
      guard room >= 0 else { return 0 }
      let step = stride[keyPath: path]
      guard ceilMode else { return room / step + 1 }
      let positions = (room + step - 1) / step + 1
      return (positions - 1) * step >= extent + padding[keyPath: path] ? positions - 1 : positions
    }
    let size = Pair(height: positions(shape[2], \.height), width: positions(shape[3], \.width))
    check(
      size.height > 0 && size.width > 0, operation,
      "kernel \(kernel) with padding \(padding) and dilation \(dilation) does not fit an image of shape \(shape)")
    return size
  }

  /// The same facts for a kernel.
  func geometry(_ shape: Shape, for operation: String) -> SKConvGeometry {
    let output = outputSize(shape, for: operation)
    return SKConvGeometry(
      height: Int32(shape[2]), width: Int32(shape[3]), kernelHeight: Int32(kernel.height),
      kernelWidth: Int32(kernel.width), strideHeight: Int32(stride.height), strideWidth: Int32(stride.width),
      paddingHeight: Int32(padding.height), paddingWidth: Int32(padding.width),
      dilationHeight: Int32(dilation.height), dilationWidth: Int32(dilation.width),
      outputHeight: Int32(output.height), outputWidth: Int32(output.width))
  }
}
