import SegKernels

extension OperationTable {
  static let softmaxFamily: [OperationCase] =
    axes.flatMap { shape, axis in
      [
        OperationCase(
          "softmax", "\(shape) axis \(axis)", [(shape, .normal)], run: { softmax($0[0], axis: axis) },
          reference: { Reference.softmax($0[0], axis: axis) }),
        OperationCase(
          "logSoftmax", "\(shape) axis \(axis)", [(shape, .normal)], run: { logSoftmax($0[0], axis: axis) },
          reference: { Reference.logSoftmax($0[0], axis: axis) }),
      ]
    } + [
      // Logits that would overflow without the shift by their maximum.
      OperationCase(
        "softmax", "logits near 100", [([2, 5, 3], .normal)], checksGradient: false, run: { softmax($0[0] * 100) },
        reference: { Reference.softmax(Reference.multiply($0[0], ReferenceArray([], [100])), axis: 1) })
    ] + crossEntropies

  private static let axes: [(Shape, Int)] = [
    ([2, 3], 1), ([2, 5, 3, 4], 1), ([3, 4], 0), ([2, 3, 7], -1), ([1, 1, 4], 1), ([1, 19, 67, 71], 1),
    ([1, 19, 512, 1024], 1), ([16384, 256], -1),
  ]

  private static let crossEntropies: [OperationCase] = [
    entropy("mean", [2, 3, 4, 5]), entropy("sum", [2, 3, 4, 5], reduction: .sum),
    entropy("none", [2, 3, 2, 3], reduction: .none), entropy("weights", [2, 4, 3, 3], weights: true),
    entropy("smoothing", [2, 4, 3, 3], smoothing: 0.1),
    entropy("weights and smoothing", [1, 5, 4, 3], weights: true, smoothing: 0.2),
    entropy("rows", [6, 4]), entropy("many pixels", [1, 19, 61, 83], weights: true),
    entropy("19 classes at 512×1024", [1, 19, 512, 1024]),
    entropy("19 classes at 512×1024, weights and smoothing", [1, 19, 512, 1024], weights: true, smoothing: 0.1),
  ]

  private static func entropy(
    _ label: String, _ shape: Shape, weights: Bool = false, smoothing: Float = 0, reduction: LossReduction = .mean
  ) -> OperationCase {
    let ignored: Int32 = 255
    let labelShape = Shape([shape[0]] + shape[2...])
    var random = RandomSource(seed: 5)
    let labels = Labels(
      labelShape,
      (0..<labelShape.elementCount).map { _ in
        let value = Int32.random(in: -1..<Int32(shape[1]), using: &random)
        return value < 0 ? ignored : value
      })
    let classWeights = weights ? Tensor.uniform([shape[1]], in: 0.5..<2, using: &random) : nil
    return OperationCase(
      "crossEntropy", label, [(shape, .normal)],
      run: {
        crossEntropy(
          $0[0], labels, ignoreIndex: Int(ignored), classWeights: classWeights, labelSmoothing: smoothing,
          reduction: reduction)
      },
      reference: {
        Reference.crossEntropy(
          $0[0], labels: labels.values.map(Int.init), ignoreIndex: Int(ignored),
          classWeights: classWeights.map(ReferenceArray.init), labelSmoothing: Double(smoothing), reduction: reduction)
      })
  }
}
