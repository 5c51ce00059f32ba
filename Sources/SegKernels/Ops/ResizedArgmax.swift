import CSegKernels

/// The number of the largest channel at every pixel of a resized image: `argmax(resize(x, to: size))` to the bit.
///
/// The resized image, which can be many times larger than x and the result together, never exists: rows of it are made,
/// compared and forgotten. Not differentiable, and not capturable: it is the last step, from logits to labels.
///
/// - Parameters:
///   - x: N×C×H×W.
///   - size: rows and columns of the resized image.
///   - interpolation: nearest or bilinear.
///   - alignCorners: see ``resize(_:to:_:alignCorners:rows:columns:)``.
///   - rows: the rows of the resized image that are wanted, all by default.
///   - columns: the columns of the resized image that are wanted, all by default.
/// - Returns: N×rows×columns.
public func argmax(
  _ x: Tensor, resizedTo size: Pair, _ interpolation: Interpolation = .bilinear, alignCorners: Bool = false,
  rows: Range<Int>? = nil, columns: Range<Int>? = nil
) -> Labels {
  let resize = ResizeOperation(
    size: size, interpolation: interpolation, alignCorners: alignCorners, rows: rows ?? 0..<size.height,
    columns: columns ?? 0..<size.width)
  let whole = resize.outputShapes([x.shape])[0], (height, width) = (whole[2], whole[3])
  check(x.shape[1] > 0, "argmax", "axis 1 of shape \(x.shape) is empty")
  let kernels = kernels, x = x.rowMajor()
  let rowTaps = resize.taps(resize.rows, x.shape[2], size.height)
  let columnTaps = resize.taps(resize.columns, x.shape[3], size.width)
  return Labels(uninitialized: [x.shape[0], height, width]) { y in
    guard let y = y.baseAddress, whole.elementCount > 0 else { return }
    let p = x.pointer(for: "argmax"), area = x.shape[2] * x.shape[3]
    let grain = Int(SK_ARGMAX_ROWS), bands = ceilingDivide(height, grain)
    parallelFor(x.shape[0] * bands) { task in
      let (image, band) = task.quotientAndRemainder(dividingBy: bands), first = band * grain
      rowTaps.withUnsafeBufferPointer { taps in
        kernels.resizeArgmax(
          p + image * x.shape[1] * area, Int32(x.shape[1]), area, Int32(x.shape[3]), taps.baseAddress! + first,
          columnTaps, Int32(min(grain, height - first)), Int32(width), y + (image * height + first) * width)
      }
    }
    withExtendedLifetime(x) {}
  }
}
