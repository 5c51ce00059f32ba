import SegKernels

extension OperationTable {
  static let pooling: [OperationCase] =
    windows.flatMap { label, shape, kernel, stride, padding in
      [
        OperationCase(
          "maxPool2d", label, [(shape, .distinct)],
          run: { maxPool2d($0[0], kernel: kernel, stride: stride, padding: padding) },
          reference: { Reference.maxPool2d($0[0], kernel: kernel, stride: stride, padding: padding) }),
        OperationCase(
          "averagePool2d", label, [(shape, .normal)],
          run: { averagePool2d($0[0], kernel: kernel, stride: stride, padding: padding) },
          reference: { Reference.averagePool2d($0[0], kernel: kernel, stride: stride, padding: padding) }),
        OperationCase(
          "averagePool2d", label + ", padding not counted", [(shape, .normal)],
          run: { averagePool2d($0[0], kernel: kernel, stride: stride, padding: padding, countIncludesPadding: false) },
          reference: {
            Reference.averagePool2d($0[0], kernel: kernel, stride: stride, padding: padding, countIncludePad: false)
          }),
      ]
    } + adaptive + furtherMaxima + empty

  private static let windows: [(String, Shape, Pair, Pair, Pair)] = [
    ("2×2", [2, 3, 4, 6], 2, 2, 0), ("3×3 stride 2 padded", [1, 2, 7, 9], 3, 2, 1),
    ("3×2 stride 1", [1, 2, 5, 4], [3, 2], 1, 0),
    ("whole image", [1, 2, 3, 5], [3, 5], 1, 0), ("odd size", [1, 1, 13, 11], 3, 2, 1),
    // Rows of more windows than a vector has: next to each other, every second pixel, and further apart.
    ("wide, stride 1", [1, 1, 5, 43], 3, 1, 1), ("wide, stride 2", [1, 1, 5, 71], 3, 2, 1),
    ("wide, 2×2", [1, 1, 4, 68], 2, 2, 0), ("wide, stride 3", [1, 1, 5, 67], [2, 4], 3, [1, 2]),
    ("wide, one column", [1, 1, 3, 70], [2, 1], 2, 0),
    ("3×3 stride 2 of 256×512", [1, 64, 256, 512], 3, 2, 1), ("2×2 of 256×512", [1, 64, 256, 512], 2, 2, 0),
  ]

  private static let adaptive: [OperationCase] = [
    ([2, 3, 5, 7], 1), ([1, 2, 7, 9], [2, 3]), ([1, 2, 3, 2], 4), ([1, 3, 6, 8], [3, 8]), ([1, 512, 64, 128], 1),
  ].map {
    (shape: Shape, size: Pair) in
    OperationCase(
      "adaptiveAveragePool2d", "\(shape) to \(size)", [(shape, .normal)],
      run: { adaptiveAveragePool2d($0[0], outputSize: size) },
      reference: { Reference.adaptiveAveragePool2d($0[0], outputSize: size) })
  }

  /// Dilation and windows that reach over the edge, with indices.
  private static let furtherMaxima: [OperationCase] = [
    maxima("ceil mode", [1, 2, 6, 4], 3, stride: 2, ceilMode: true),
    maxima("ceil mode, no window in the padding", [1, 1, 5, 5], 2, stride: 3, padding: 1, ceilMode: true),
    maxima("ceil mode, padded", [2, 1, 7, 8], 3, stride: 3, padding: 1, ceilMode: true),
    maxima("dilation 2", [1, 2, 7, 9], 3, padding: 1, dilation: 2),
    maxima("dilation 3 and 1, ceil mode", [1, 2, 9, 6], 2, stride: [2, 3], dilation: [3, 1], ceilMode: true),
    maxima("one pixel", [2, 3, 1, 1], 1), maxima("no images, overlapping", [0, 2, 4, 4], 2),
    maxima("2×2 of 4×6", [2, 3, 4, 6], 2, stride: 2), maxima("13×11", [1, 1, 13, 11], 3, stride: 2, padding: 1),
    maxima("3×3 of 256×512", [1, 64, 256, 512], 3, stride: 2, padding: 1),
    maxima("large", [2, 5, 67, 131], 3, stride: 2, padding: 1, ceilMode: true),
  ].flatMap { $0 }

  private static func maxima(
    _ label: String, _ shape: Shape, _ kernel: Pair, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1,
    ceilMode: Bool = false
  ) -> [OperationCase] {
    @Sendable func pooled(_ x: Tensor) -> (values: Tensor, indices: Labels) {
      maxPool2dWithIndices(
        x, kernel: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceilMode)
    }
    @Sendable func expected(_ x: ReferenceArray) -> (values: ReferenceArray, indices: Labels) {
      Reference.maxPool2dWithIndices(
        x, kernel: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceilMode)
    }
    return [
      OperationCase(
        "maxPool2d", label, [(shape, .distinct)],
        run: {
          maxPool2d(
            $0[0], kernel: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceilMode)
        },
        reference: { expected($0[0]).values }),
      OperationCase(
        "maxPool2dWithIndices", label, [(shape, .distinct)], run: { pooled($0[0]).values },
        reference: { expected($0[0]).values }),
      OperationCase(
        "maxPool2dWithIndices", label + ", indices", [(shape, .distinct)], checksGradient: false,
        run: {
          let indices = pooled($0[0]).indices
          return Tensor(indices.shape, indices.values.map(Float.init))
        },
        reference: {
          let indices = expected($0[0]).indices
          return ReferenceArray(indices.shape, indices.values.map(Double.init))
        }),
    ]
  }

  private static let empty: [OperationCase] = [
    OperationCase(
      "maxPool2d", "no images", [([0, 2, 4, 4], .distinct)], run: { maxPool2d($0[0], kernel: 2) },
      reference: { Reference.maxPool2d($0[0], kernel: 2, stride: 2) }),
    OperationCase(
      "averagePool2d", "no images", [([0, 2, 4, 4], .normal)], run: { averagePool2d($0[0], kernel: 2) },
      reference: { Reference.averagePool2d($0[0], kernel: 2, stride: 2) }),
  ]
}
