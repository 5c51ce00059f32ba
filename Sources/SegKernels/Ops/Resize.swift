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
///   - interpolation: nearest or bilinear.
///   - alignCorners: for bilinear: the centres of the corner pixels stay in place (source = i · (in − 1)/(out − 1));
///     otherwise the corners of the image do (source = (i + ½) · in/out − ½, at least 0).
///   - rows: the rows of the result that are made, all by default: large results can be made in bands.
///   - columns: the columns of the result that are made, all by default.
public func resize(
  _ x: Tensor, to size: Pair, _ interpolation: Interpolation = .bilinear, alignCorners: Bool = false,
  rows: Range<Int>? = nil, columns: Range<Int>? = nil
) -> Tensor {
  apply(
    ResizeOperation(
      size: size, interpolation: interpolation, alignCorners: alignCorners, rows: rows ?? 0..<size.height,
      columns: columns ?? 0..<size.width), to: x)
}

struct ResizeOperation: BlockedOperation {
  let size: Pair
  let interpolation: Interpolation
  let alignCorners: Bool
  /// The part of the result that is made.
  let rows: Range<Int>, columns: Range<Int>

  let name = "resize"
  var attributes: [(name: String, value: Attribute)] {
    [
      ("size", .integers([size.height, size.width])), ("interpolation", .text(interpolation.rawValue)),
      ("alignCorners", .flag(alignCorners)), ("rows", .integers([rows.lowerBound, rows.upperBound])),
      ("columns", .integers([columns.lowerBound, columns.upperBound])),
    ]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let x = inputs[0]
    check(x.rank == 4 && x[2] > 0 && x[3] > 0, name, "expected N×C×H×W with pixels, found shape \(x)")
    check(size.height > 0 && size.width > 0, name, "the size must be positive, found \(size)")
    check(
      rows.lowerBound >= 0 && rows.upperBound <= size.height && columns.lowerBound >= 0
        && columns.upperBound <= size.width, name, "rows \(rows) and columns \(columns) are outside size \(size)")
    return [[x[0], x[1], rows.count, columns.count]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int {
    (interpolation == .nearest ? 0 : 7) * outputShapes(inputs)[0].elementCount
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if let (x, block) = wholeBlocks(inputs[0]) { return [resizedInBlocks(x, block)] }
    let x = inputs[0].rowMajor(), kernels = kernels
    let (area, outputArea) = (x.shape[2] * x.shape[3], rows.count * columns.count)
    let rowTaps = taps(rows, x.shape[2], size.height), columnTaps = taps(columns, x.shape[3], size.width)
    return [
      Tensor(uninitialized: outputShapes([x.shape])[0]) { y in
        guard let y = y.baseAddress else { return }
        let p = x.pointer(for: name)
        parallelFor(x.shape[0] * x.shape[1]) { plane in
          withWorkspace(2 * columns.count) {
            kernels.resize(
              p + plane * area, Int32(x.shape[3]), rowTaps, columnTaps, Int32(rows.count), Int32(columns.count), $0,
              y + plane * outputArea)
          }
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let shape = context.inputShapes[0]
    if let (dy, block) = wholeBlocks(gradients[0]!) { return [gradientInBlocks(dy, block, shape)] }
    let dy = gradients[0]!.rowMajor(), kernels = kernels
    let (area, outputArea) = (shape[2] * shape[3], rows.count * columns.count)
    let rowTaps = taps(rows, shape[2], size.height), columnTaps = taps(columns, shape[3], size.width)
    return [
      Tensor(uninitialized: shape) { dx in
        guard let dx = dx.baseAddress else { return }
        let d = dy.pointer(for: name)
        parallelFor(shape[0] * shape[1]) { plane in
          (dx + plane * area).update(repeating: 0, count: area)
          withWorkspace(2 * columns.count) {
            kernels.resizeGradient(
              d + plane * outputArea, Int32(shape[3]), rowTaps, columnTaps, Int32(rows.count), Int32(columns.count), $0,
              dx + plane * area)
          }
        }
        withExtendedLifetime(dy) {}
      }
    ]
  }

  /// Where some rows (or columns) of the result read.
  func taps(_ places: Range<Int>, _ input: Int, _ output: Int) -> [SKTap] {
    places.map { index in
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
