import SegKernels

extension Reference {
  /// y[n, c, r, q] = the largest of x[n, c, r·s − p + i·a, q·s − p + j·a] over the window's i and j; padding never wins, and
  /// a NaN always does. The number of windows is rounded down, or, in ceil mode, up, as long as a window starts before the
  /// image's end. The indices are the maxima's places row · W + column, the first of equals; −1 where there is no pixel.
  public static func maxPool2dWithIndices(
    _ x: ReferenceArray, kernel: Pair, stride: Pair, padding: Pair = 0, dilation: Pair = 1, ceilMode: Bool = false
  ) -> (values: ReferenceArray, indices: Labels) {
    let (batch, channels, height, width) = x.imageExtents("maxPool2d")
    func count(_ extent: Int, _ kernel: Int, _ stride: Int, _ padding: Int, _ dilation: Int) -> Int {
      let count = windowCount("maxPool2d", extent, kernel, stride, padding, dilation)
      let reach = dilation * (kernel - 1) + 1
      let isCovered = (count - 1) * stride + reach == extent + 2 * padding
      return ceilMode && !isCovered && count * stride < extent + padding ? count + 1 : count
    }
    var y = ReferenceArray(zeros: [
      batch, channels, count(height, kernel.height, stride.height, padding.height, dilation.height),
      count(width, kernel.width, stride.width, padding.width, dilation.width),
    ])
    let places = indices(of: y.shape).map { index -> Int32 in
      var (largest, best) = (-Double.infinity, Int32(-1))
      for place in indices(of: [kernel.height, kernel.width]) {
        let row = index[2] * stride.height - padding.height + place[0] * dilation.height
        let column = index[3] * stride.width - padding.width + place[1] * dilation.width
        guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
        let value = x[index[0], index[1], row, column]
        if best < 0 || value > largest || value.isNaN { (largest, best) = (value, Int32(row * width + column)) }
      }
      y[at: index] = largest
      return best
    }
    return (y, Labels(y.shape, places))
  }

  /// The values of ``maxPool2dWithIndices(_:kernel:stride:padding:dilation:ceilMode:)``.
  public static func maxPool2d(
    _ x: ReferenceArray, kernel: Pair, stride: Pair, padding: Pair = 0, dilation: Pair = 1, ceilMode: Bool = false
  ) -> ReferenceArray {
    maxPool2dWithIndices(
      x, kernel: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceilMode
    ).values
  }

  /// y[n, c, r, q] = the mean of x[n, c, r·s − p + i, q·s − p + j] over the window's i and j.
  ///
  /// - Parameter countIncludePad: whether the zeros of the padding count as elements, or the window is cut to the image.
  public static func averagePool2d(
    _ x: ReferenceArray, kernel: Pair, stride: Pair, padding: Pair = 0, countIncludePad: Bool = true
  ) -> ReferenceArray {
    pool("averagePool2d", x, kernel, stride, padding) { n, c, rows, columns in
      if countIncludePad { return mean(of: x, n, c, rows, columns) }
      return mean(of: x, n, c, rows.clamped(to: 0..<x.shape[2]), columns.clamped(to: 0..<x.shape[3]))
    }
  }

  /// y[n, c, r, q] = the mean of x over the rows ⌊r·H / H′⌋ ..< ⌈(r + 1)·H / H′⌉ and the columns likewise, where H′ × W′
  /// is the output's size. Windows overlap where it does not divide the input's.
  public static func adaptiveAveragePool2d(_ x: ReferenceArray, outputSize: Pair) -> ReferenceArray {
    let (batch, channels, height, width) = x.imageExtents("adaptiveAveragePool2d")
    check(height > 0 && width > 0, "adaptiveAveragePool2d", "the image \(x.shape) has no pixels")
    func window(_ place: Int, _ extent: Int, _ count: Int) -> Range<Int> {
      place * extent / count..<((place + 1) * extent + count - 1) / count
    }

    var y = ReferenceArray(zeros: [batch, channels, outputSize.height, outputSize.width])
    for n in 0..<batch {
      for c in 0..<channels {
        for r in 0..<outputSize.height {
          for q in 0..<outputSize.width {
            y[n, c, r, q] = mean(of: x, n, c, window(r, height, outputSize.height), window(q, width, outputSize.width))
          }
        }
      }
    }
    return y
  }

  /// The mean over a rectangle; pixels outside the image are zeros and count.
  private static func mean(
    of x: ReferenceArray, _ n: Int, _ c: Int, _ rows: Range<Int>, _ columns: Range<Int>
  ) -> Double {
    var total = 0.0
    for row in rows {
      for column in columns { total += x.pixel(n, c, row, column) }
    }
    return total / Double(rows.count * columns.count)
  }

  /// Applies `function` to the rows and columns of every window, which may reach beyond the image.
  private static func pool(
    _ operation: String, _ x: ReferenceArray, _ kernel: Pair, _ stride: Pair, _ padding: Pair,
    _ function: (_ n: Int, _ c: Int, _ rows: Range<Int>, _ columns: Range<Int>) -> Double
  ) -> ReferenceArray {
    let (batch, channels, height, width) = x.imageExtents(operation)
    check(
      2 * padding.height <= kernel.height && 2 * padding.width <= kernel.width, operation,
      "padding \(padding) must be at most half of the kernel \(kernel)")

    var y = ReferenceArray(zeros: [
      batch, channels, windowCount(operation, height, kernel.height, stride.height, padding.height),
      windowCount(operation, width, kernel.width, stride.width, padding.width),
    ])
    for n in 0..<batch {
      for c in 0..<channels {
        for r in 0..<y.shape[2] {
          for q in 0..<y.shape[3] {
            let (top, left) = (r * stride.height - padding.height, q * stride.width - padding.width)
            y[n, c, r, q] = function(n, c, top..<top + kernel.height, left..<left + kernel.width)
          }
        }
      }
    }
    return y
  }
}
