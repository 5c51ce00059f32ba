import SegKernels

extension OperationTable {
  static let normalization: [OperationCase] =
    [([2, 3, 2, 3] as Shape), [5, 2], [1, 2, 1, 17], [3, 1, 5, 5], [2, 7, 33, 31], largeMap].flatMap {
      shape -> [OperationCase] in
      let parameters: [(Shape, OperationCase.Domain)] = [([shape[1]], .positive), ([shape[1]], .normal)]
      return [
        OperationCase(
          "batchNorm", "training \(shape)", [(shape, .normal)] + parameters,
          run: { batchNorm($0[0], weight: $0[1], bias: $0[2]).result },
          reference: { Reference.batchNormTraining($0[0], weight: $0[1], bias: $0[2]).y }),
        OperationCase(
          "batchNorm", "evaluation \(shape)", [(shape, .normal)] + parameters,
          run: { [statistics = statistics(shape)] in
            batchNorm($0[0], weight: $0[1], bias: $0[2], mean: statistics.mean, variance: statistics.variance)
          },
          reference: { [statistics = statistics(shape)] in
            Reference.batchNormEvaluation(
              $0[0], mean: ReferenceArray(statistics.mean), variance: ReferenceArray(statistics.variance),
              weight: $0[1],
              bias: $0[2])
          }),
      ]
    } + [
      // A mean far from 0 beside a small deviation: where one-pass variances fail.
      OperationCase(
        "batchNorm", "training, mean 1000", [([2, 2, 8, 9], .positive), ([2], .positive), ([2], .normal)],
        tolerance: 1e-3,
        checksGradient: false, run: { batchNorm($0[0] + 1000, weight: $0[1], bias: $0[2]).result },
        reference: {
          Reference.batchNormTraining(
            Reference.add($0[0], ReferenceArray([], [1000])), weight: $0[1], bias: $0[2]
          ).y
        }),
      training("rectified", [2, 9, 3, 4], rectified: true), training("with addend", [1, 3, 4, 5], adding: true),
      training("with addend, rectified", [2, 8, 3, 3], adding: true, rectified: true),
      training("with addend, rectified, larger", [2, 20, 31, 17], adding: true, rectified: true),
      training("rectified", [2, 9, 3, 4], rectified: true, isFrozen: true),
      training("with addend", [1, 3, 4, 5], adding: true, isFrozen: true),
      training("with addend, rectified", [2, 8, 3, 3], adding: true, rectified: true, isFrozen: true),
      training("with addend, rectified, larger", [2, 20, 31, 17], adding: true, rectified: true, isFrozen: true),
    ]

  private static func training(
    _ label: String, _ shape: Shape, adding: Bool = false, rectified: Bool = false, isFrozen: Bool = false
  ) -> OperationCase {
    let (mean, variance) = statistics(shape)
    return OperationCase(
      "batchNorm", "\(isFrozen ? "evaluation" : "training"), \(label)",
      [(shape, .normal), ([shape[1]], .positive), ([shape[1]], .normal)] + (adding ? [(shape, .normal)] : []),
      run: {
        let (x, weight, bias, addend) = ($0[0], $0[1], $0[2], adding ? $0[3] : nil)
        return isFrozen
          ? batchNorm(
            x, weight: weight, bias: bias, mean: mean, variance: variance, adding: addend, rectified: rectified)
          : batchNorm(x, weight: weight, bias: bias, adding: addend, rectified: rectified).result
      },
      reference: {
        let y =
          isFrozen
          ? Reference.batchNormEvaluation(
            $0[0], mean: ReferenceArray(mean), variance: ReferenceArray(variance), weight: $0[1], bias: $0[2])
          : Reference.batchNormTraining($0[0], weight: $0[1], bias: $0[2]).y
        let sum = adding ? Reference.add(y, $0[3]) : y
        return rectified ? Reference.relu(sum) : sum
      })
  }

  // No runs of two elements: normalised, they are ±1 whatever they were, and their gradient is rounding alone.
  static let groupNormalization: [OperationCase] =
    [
      ([2, 4, 3, 3] as Shape, 2), ([1, 3, 5], 1), ([3, 8], 2), ([2, 6, 2, 2], 6), ([2, 12, 33, 17], 4), (largeMap, 32),
    ].map { shape, groups in
      OperationCase(
        "groupNorm", "\(shape) in \(groups) groups",
        [(shape, .normal), ([shape[1]], .positive), ([shape[1]], .normal)],
        run: { groupNorm($0[0], groups: groups, weight: $0[1], bias: $0[2]) },
        reference: { Reference.groupNorm($0[0], groups: groups, weight: $0[1], bias: $0[2]) })
    }
    + [([3, 5] as Shape, [5] as Shape), ([2, 3, 4], [3, 4]), ([7, 129], [129]), ([16384, 256], [256])].map {
      shape, normalized in
      OperationCase(
        "layerNorm", "\(shape) over \(normalized)",
        [(shape, .normal), (normalized, .positive), (normalized, .normal)],
        run: { layerNorm($0[0], weight: $0[1], bias: $0[2]) },
        reference: { Reference.layerNorm($0[0], weight: $0[1], bias: $0[2]) })
    }

  private static func statistics(_ shape: Shape) -> (mean: Tensor, variance: Tensor) {
    var random = RandomSource(seed: 9)
    return (.normal([shape[1]], using: &random), .uniform([shape[1]], in: 0.5..<2, using: &random))
  }
}
