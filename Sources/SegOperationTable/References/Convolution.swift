import SegKernels

extension Reference {
  /// The cross-correlation that deep learning calls convolution:
  ///
  ///     y[n, k, r, c] = bias[k] + Σ_(d, i, j) weight[k, d, i, j] · x[n, g·D + d, r·s − p + i·a, c·s − p + j·a]
  ///
  /// with stride s, padding p and dilation a of each direction, zero outside the image. Filter k belongs to group
  /// g = k / (K / groups), which reads D = C / groups channels.
  ///
  /// - Parameters:
  ///   - x: `[N, C, H, W]`.
  ///   - weight: `[K, C / groups, kernel height, kernel width]`.
  ///   - bias: `[K]`.
  /// - Returns: `[N, K, H′, W′]`.
  public static func conv2d(
    _ x: ReferenceArray, weight: ReferenceArray, bias: ReferenceArray? = nil, stride: Pair = 1,
    padding: Pair = 0, dilation: Pair = 1, groups: Int = 1
  ) -> ReferenceArray {
    let (batch, channels, height, width) = x.imageExtents("conv2d")
    let (filters, depth, kernelHeight, kernelWidth) = weight.imageExtents("conv2d")
    check(
      groups > 0 && channels == depth * groups && filters.isMultiple(of: groups), "conv2d",
      "input \(x.shape) does not fit weight \(weight.shape) in \(groups) groups")
    check(bias.map { $0.shape == [filters] } ?? true, "conv2d", "bias must have \(filters) elements")
    let rows = windowCount("conv2d", height, kernelHeight, stride.height, padding.height, dilation.height)
    let columns = windowCount("conv2d", width, kernelWidth, stride.width, padding.width, dilation.width)

    var y = ReferenceArray(zeros: [batch, filters, rows, columns])
    for n in 0..<batch {
      for k in 0..<filters {
        let firstChannel = k / (filters / groups) * depth
        for r in 0..<rows {
          for c in 0..<columns {
            var total = bias?.values[k] ?? 0
            for d in 0..<depth {
              for i in 0..<kernelHeight {
                for j in 0..<kernelWidth {
                  let row = r * stride.height - padding.height + i * dilation.height
                  let column = c * stride.width - padding.width + j * dilation.width
                  total += weight.pixel(k, d, i, j) * x.pixel(n, firstChannel + d, row, column)
                }
              }
            }
            y[n, k, r, c] = total
          }
        }
      }
    }
    return y
  }

  /// The map whose transpose is `conv2d`: every element of `x` adds its multiple of a kernel to the result,
  ///
  ///     y[n, g·D + d, r·s − p + i·a, c·s − p + j·a] += weight[k, d, i, j] · x[n, k, r, c],    then + bias
  ///
  /// in a result of (H − 1)·s − 2p + a·(kernel − 1) + outputPadding + 1 rows, columns likewise.
  ///
  /// - Parameter weight: `[K, D, kernel height, kernel width]` for `x` of K channels.
  public static func transposedConv2d(
    _ x: ReferenceArray, weight: ReferenceArray, bias: ReferenceArray? = nil, stride: Pair = 1,
    padding: Pair = 0, outputPadding: Pair = 0, dilation: Pair = 1, groups: Int = 1
  ) -> ReferenceArray {
    let (batch, channels, height, width) = x.imageExtents("transposedConv2d")
    let (_, depth, kernelHeight, kernelWidth) = weight.imageExtents("transposedConv2d")
    let rows =
      (height - 1) * stride.height - 2 * padding.height + dilation.height * (kernelHeight - 1)
      + outputPadding.height + 1
    let columns =
      (width - 1) * stride.width - 2 * padding.width + dilation.width * (kernelWidth - 1)
      + outputPadding.width + 1

    var y = ReferenceArray(zeros: [batch, depth * groups, rows, columns])
    for index in indices(of: x.shape) {
      let (n, k, r, c) = (index[0], index[1], index[2], index[3])
      let firstChannel = k / (channels / groups) * depth
      for place in indices(of: [depth, kernelHeight, kernelWidth]) {
        let (d, i, j) = (place[0], place[1], place[2])
        let row = r * stride.height - padding.height + i * dilation.height
        let column = c * stride.width - padding.width + j * dilation.width
        guard row >= 0, row < rows, column >= 0, column < columns else { continue }
        y[n, firstChannel + d, row, column] += weight[k, d, i, j] * x[n, k, r, c]
      }
    }
    return bias.map { add(y, reshape($0, to: [1, depth * groups, 1, 1])) } ?? y
  }

  /// How many windows of `kernel` elements, `dilation` apart, fit into one padded direction at every `stride`:
  /// ⌊(extent + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1.
  static func windowCount(
    _ operation: String, _ extent: Int, _ kernel: Int, _ stride: Int, _ padding: Int, _ dilation: Int = 1
  ) -> Int {
    check(
      kernel > 0 && stride > 0 && padding >= 0 && dilation > 0, operation,
      "kernel \(kernel), stride \(stride), padding \(padding), dilation \(dilation) make no sense")
    let reach = dilation * (kernel - 1) + 1
    check(
      extent + 2 * padding >= reach, operation,
      "a window of \(reach) does not fit extent \(extent) padded by \(padding)")
    return (extent + 2 * padding - reach) / stride + 1
  }
}
