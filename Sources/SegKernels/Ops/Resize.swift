import CSegKernels

/// How `resize` finds a value between pixels.
public enum Interpolation: String, Sendable, Hashable, Codable {
  /// The pixel at ⌊i · in / out⌋: PyTorch's "nearest".
  case nearest
  /// The weighted mean of the four pixels around.
  case bilinear
}

/// Images at another size, without antialiasing; semantics as PyTorch's `interpolate`.
///
/// - Parameters:
///   - x: N×C×H×W.
///   - size: rows and columns of the result.
///   - alignCorners: for bilinear: the centres of the corner pixels stay in place (source = i · (in − 1)/(out − 1));
///     otherwise the corners of the image do (source = (i + ½) · in/out − ½, at least 0).
public func resize(
  _ x: Tensor, to size: Pair, _ interpolation: Interpolation = .bilinear, alignCorners: Bool = false
) -> Tensor {
  apply(ResizeOperation(size: size, interpolation: interpolation, alignCorners: alignCorners), to: x)
}

struct ResizeOperation: TensorOperation {
  let size: Pair
  let interpolation: Interpolation
  let alignCorners: Bool

  let name = "resize"
  var attributes: [(name: String, value: Attribute)] {
    [
      ("size", .integers([size.height, size.width])), ("interpolation", .text(interpolation.rawValue)),
      ("alignCorners", .flag(alignCorners)),
    ]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let x = inputs[0]
    check(x.rank == 4 && x[2] > 0 && x[3] > 0, name, "expected N×C×H×W with pixels, found shape \(x)")
    check(size.height > 0 && size.width > 0, name, "the size must be positive, found \(size)")
    return [[x[0], x[1], size.height, size.width]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int {
    (interpolation == .nearest ? 0 : 7) * outputShapes(inputs)[0].elementCount
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0], kernels = kernels
    let (area, outputArea) = (x.shape[2] * x.shape[3], size.height * size.width)
    let rows = taps(x.shape[2], size.height), columns = taps(x.shape[3], size.width)
    return [
      Tensor(uninitialized: outputShapes([x.shape])[0]) { y in
        guard let y = y.baseAddress else { return }
        let p = x.pointer(for: name)
        parallelFor(x.shape[0] * x.shape[1]) { plane in
          kernels.resize(
            p + plane * area, Int32(x.shape[3]), rows, columns, Int32(size.height), Int32(size.width),
            y + plane * outputArea)
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!.rowMajor(), shape = context.inputShapes[0], kernels = kernels
    let (area, outputArea) = (shape[2] * shape[3], size.height * size.width)
    let rows = taps(shape[2], size.height), columns = taps(shape[3], size.width)
    return [
      Tensor(uninitialized: shape) { dx in
        guard let dx = dx.baseAddress else { return }
        let d = dy.pointer(for: name)
        parallelFor(shape[0] * shape[1]) { plane in
          (dx + plane * area).update(repeating: 0, count: area)
          kernels.resizeGradient(
            d + plane * outputArea, Int32(shape[3]), rows, columns, Int32(size.height), Int32(size.width),
            dx + plane * area)
        }
        withExtendedLifetime(dy) {}
      }
    ]
  }

  /// Where each output row (or column) reads.
  private func taps(_ input: Int, _ output: Int) -> [SKTap] {
    (0..<output).map { index in
      if interpolation == .nearest {
        // In single precision, as PyTorch does it: exact ties fall to the same side.
        let source = Int32(min(Int(Float(index) * (Float(input) / Float(output))), input - 1))
        return SKTap(low: source, high: source, fraction: 0)
      }
      let source =
        alignCorners
        ? (output > 1 ? Double(index) * Double(input - 1) / Double(output - 1) : 0)
        : max(0, (Double(index) + 0.5) * Double(input) / Double(output) - 0.5)
      let low = min(Int(source), input - 1)
      return SKTap(low: Int32(low), high: Int32(min(low + 1, input - 1)), fraction: Float(source - Double(low)))
    }
  }
}
