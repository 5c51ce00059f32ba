import SegKernels

extension OperationTable {
  static let softmaxFamily: [OperationCase] =
    axes.flatMap { shape, axis in
      // More channels than a block of pixels has room for.
      let isCrowded = shape == [1, 401, 2] ? true : nil
      return [
        OperationCase(
          "softmax", "\(shape) axis \(axis)", [(shape, .normal)], checksGradient: isCrowded,
          run: { softmax($0[0], axis: axis) },
          reference: { Reference.softmax($0[0], axis: axis) }),
        OperationCase(
          "logSoftmax", "\(shape) axis \(axis)", [(shape, .normal)], checksGradient: isCrowded,
          run: { logSoftmax($0[0], axis: axis) },
          reference: { Reference.logSoftmax($0[0], axis: axis) }),
      ]
    } + [
      // Logits that would overflow without the shift by their maximum.
      OperationCase(
        "softmax", "logits near 100", [([2, 5, 3], .normal)], checksGradient: false, run: { softmax($0[0] * 100) },
        reference: { Reference.softmax(Reference.multiply($0[0], ReferenceArray([], [100])), axis: 1) })
    ]

  private static let axes: [(Shape, Int)] = [
    ([2, 3], 1), ([2, 5, 3, 4], 1), ([3, 4], 0), ([2, 3, 7], -1), ([1, 1, 4], 1), ([1, 19, 67, 71], 1),
    ([3, 131], -1), ([1, 190, 2], 1), ([1, 401, 2], 1),
    ([1, 19, 512, 1024], 1), ([16384, 256], -1),
  ]
}
