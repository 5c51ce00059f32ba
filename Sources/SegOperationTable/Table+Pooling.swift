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
    } + adaptive

  private static let windows: [(String, Shape, Pair, Pair, Pair)] = [
    ("2×2", [2, 3, 4, 6], 2, 2, 0), ("3×3 stride 2 padded", [1, 2, 7, 9], 3, 2, 1),
    ("3×2 stride 1", [1, 2, 5, 4], [3, 2], 1, 0),
    ("whole image", [1, 2, 3, 5], [3, 5], 1, 0), ("odd size", [1, 1, 13, 11], 3, 2, 1),
  ]

  private static let adaptive: [OperationCase] = [
    ([2, 3, 5, 7], 1), ([1, 2, 7, 9], [2, 3]), ([1, 2, 3, 2], 4), ([1, 3, 6, 8], [3, 8]),
  ].map {
    (shape: Shape, size: Pair) in
    OperationCase(
      "adaptiveAveragePool2d", "\(shape) to \(size)", [(shape, .normal)],
      run: { adaptiveAveragePool2d($0[0], outputSize: size) },
      reference: { Reference.adaptiveAveragePool2d($0[0], outputSize: size) })
  }
}
