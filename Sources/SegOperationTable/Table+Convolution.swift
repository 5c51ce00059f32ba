import SegKernels

extension OperationTable {
  static let convolutions: [OperationCase] = [
    row("1×1", [2, 3, 4, 5], 4, 1), row("1×1 stride 2", [1, 2, 5, 7], 3, 1, stride: 2),
    row("1×1 padded", [1, 2, 3, 3], 2, 1, padding: 1), row("3×3", [1, 2, 5, 7], 3, 3, padding: 1),
    row("3×3 without padding", [2, 2, 5, 4], 2, 3), row("3×3 stride 2", [1, 2, 7, 6], 3, 3, stride: 2, padding: 1),
    row("3×3 stride 3", [1, 1, 11, 8], 2, 3, stride: 3, padding: 1),
    row("3×3 dilation 2", [1, 2, 7, 7], 2, 3, padding: 2, dilation: 2),
    row("3×3 dilation 4 beyond the image", [1, 1, 5, 3], 2, 3, padding: 4, dilation: 4),
    row("1×3", [1, 2, 3, 5], 2, [1, 3], padding: [0, 1]), row("3×1", [1, 2, 5, 3], 2, [3, 1], padding: [1, 0]),
    row("5×5", [1, 1, 7, 6], 2, 5, padding: 2),
    row("7×7 stride 2", [1, 3, 9, 11], 2, 7, stride: 2, padding: 3, gradient: true),
    row("strides 2 and 1", [1, 2, 6, 5], 2, 3, stride: [2, 1], padding: 1),
    row("2 groups", [1, 4, 5, 5], 6, 3, padding: 1, groups: 2),
    row("depthwise", [2, 3, 5, 4], 3, 3, padding: 1, groups: 3),
    row("depthwise, two a channel", [1, 2, 4, 5], 4, 3, padding: 1, groups: 2),
    row("with bias", [2, 2, 4, 4], 3, 3, padding: 1, bias: true), row("one pixel", [1, 3, 1, 1], 4, 3, padding: 1),
    row("one column", [1, 1, 13, 1], 2, 3, padding: 1), row("no images", [0, 2, 5, 5], 3, 3, padding: 1),
    row("several panels", [2, 33, 47, 61], 37, 3, padding: 1, tolerance: winograd),
    row("several panels, stride 2", [1, 40, 65, 97], 33, 3, stride: 2, padding: 1),
    row("1×1, many pixels", [1, 65, 71, 113], 31, 1, bias: true),
    row("first layer", [1, 3, 64, 96], 32, 3, stride: 2, padding: 1, bias: true),
    // With eight outputs and more, blocked kernels do it.
    row("3×3, few tiles", [1, 8, 5, 6], 8, 3, padding: 1, tolerance: winograd, gradient: true),
    row("3×3, twelve tiles", [2, 9, 9, 7], 10, 3, padding: 1, bias: true, tolerance: winograd, gradient: true),
    row("3×3 without padding, in blocks", [1, 8, 6, 7], 9, 3, tolerance: winograd, gradient: true),
    row("3×3 padded by 2", [1, 8, 3, 4], 8, 3, padding: 2, tolerance: winograd, gradient: true),
    row("3×3 padded by 4", [1, 8, 2, 3], 8, 3, padding: 4, tolerance: winograd, gradient: true),
    row("3×3 dilation 2, in blocks", [1, 8, 7, 5], 8, 3, padding: 2, dilation: 2, tolerance: winograd, gradient: true),
    row("3×3 stride 2, in blocks", [1, 9, 6, 7], 8, 3, stride: 2, padding: 1, gradient: true),
    row("3×3 stride 3, in blocks", [1, 8, 9, 8], 8, 3, stride: 3, padding: 1, gradient: true),
    row("strides 1 and 2, in blocks", [1, 8, 4, 7], 8, 3, stride: [1, 2], padding: 1, gradient: true),
    row("1×1, in blocks", [2, 9, 3, 5], 17, 1, bias: true, gradient: true),
    row("1×1 stride 2, in blocks", [1, 8, 5, 6], 24, 1, stride: 2, gradient: true),
    row("1×1 padded, in blocks", [1, 8, 3, 3], 8, 1, padding: 1, gradient: true),
    row("5×1, in blocks", [1, 8, 6, 3], 8, [5, 1], padding: [2, 0], gradient: true),
    row("3 channels, in blocks", [2, 3, 9, 7], 16, 3, stride: 2, padding: 1, gradient: true),
    row("7×7 stride 2 from images", [2, 3, 512, 1024], 64, 7, stride: 2, padding: 3),
    row("3×3, 64 to 64 at 128×256", [1, 64, 128, 256], 64, 3, padding: 1),
    row("3×3 dilation 2, 64 to 64 at 128×256", [1, 64, 128, 256], 64, 3, padding: 2, dilation: 2),
    row("3×3 stride 2, 64 to 128 from 128×256", [1, 64, 128, 256], 128, 3, stride: 2, padding: 1),
    row("1×1, 256 to 256 at 64×128", [1, 256, 64, 128], 256, 1, bias: true),
    row("2 groups, 64 to 64 at 128×256", [1, 64, 128, 256], 64, 3, padding: 1, groups: 2),
    row("depthwise, 64 at 128×256", [1, 64, 128, 256], 64, 3, padding: 1, groups: 64),
  ]

  /// F(4×4, 3×3) computes with tiles that are evaluated at six points: its error is that of the larger numbers between.
  private static let winograd = 4e-6

  private static func row(
    _ label: String, _ shape: Shape, _ outputs: Int, _ kernel: Pair, stride: Pair = 1, padding: Pair = 0,
    dilation: Pair = 1, groups: Int = 1, bias: Bool = false, tolerance: Double = 1e-6, gradient: Bool? = nil
  ) -> OperationCase {
    let weight: Shape = [outputs, shape[1] / groups, kernel.height, kernel.width]
    return OperationCase(
      "conv2d", label, [(shape, .normal), (weight, .normal)] + (bias ? [([outputs], .normal)] : []),
      tolerance: tolerance, checksGradient: gradient,
      run: {
        conv2d(
          $0[0], weight: $0[1], bias: $0.count > 2 ? $0[2] : nil, stride: stride, padding: padding, dilation: dilation,
          groups: groups)
      },
      reference: {
        Reference.conv2d(
          $0[0], weight: $0[1], bias: $0.count > 2 ? $0[2] : nil, stride: stride, padding: padding, dilation: dilation,
          groups: groups)
      })
  }

  static let transposedConvolutions: [OperationCase] = [
    transposed("2×2 stride 2", [1, 3, 3, 4], 2, 2, stride: 2),
    transposed("3×3 stride 2", [2, 2, 4, 3], 3, 3, stride: 2, padding: 1, extra: 1),
    transposed("4×4 stride 2", [1, 2, 3, 3], 2, 4, stride: 2, padding: 1, bias: true),
    transposed("1×1", [1, 3, 4, 2], 2, 1), transposed("2 groups", [1, 4, 3, 3], 4, 3, padding: 1, groups: 2),
    transposed("dilation 2", [1, 2, 4, 5], 2, 3, padding: 2, dilation: 2),
    transposed("4×4 stride 2, 64 to 64 from 128×256", [1, 64, 128, 256], 64, 4, stride: 2, padding: 1),
    transposed("several panels", [2, 24, 23, 31], 17, 4, stride: 2, padding: 1, bias: true),
  ]

  private static func transposed(
    _ label: String, _ shape: Shape, _ outputs: Int, _ kernel: Pair, stride: Pair = 1, padding: Pair = 0,
    extra: Pair = 0, dilation: Pair = 1, groups: Int = 1, bias: Bool = false
  ) -> OperationCase {
    let weight: Shape = [shape[1], outputs / groups, kernel.height, kernel.width]
    return OperationCase(
      "transposedConv2d", label, [(shape, .normal), (weight, .normal)] + (bias ? [([outputs], .normal)] : []),
      run: {
        transposedConv2d(
          $0[0], weight: $0[1], bias: $0.count > 2 ? $0[2] : nil, stride: stride, padding: padding,
          outputPadding: extra, dilation: dilation, groups: groups)
      },
      reference: {
        Reference.transposedConv2d(
          $0[0], weight: $0[1], bias: $0.count > 2 ? $0[2] : nil, stride: stride, padding: padding,
          outputPadding: extra, dilation: dilation, groups: groups)
      })
  }
}
