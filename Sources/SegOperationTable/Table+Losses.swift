import SegKernels

extension OperationTable {
  static let losses: [OperationCase] = [
    ([2, 3, 5] as Shape, LossReduction.none), ([2, 3, 5], .sum), ([2, 3, 5], .mean), (largeMap, .mean),
  ].flatMap { shape, reduction -> [OperationCase] in
    let pair: [(Shape, OperationCase.Domain)] = [(shape, .distinct), (shape, .normal)]
    let label = "\(reduction.rawValue) of \(shape)"
    return [
      OperationCase(
        "l1Loss", label, pair, run: { l1Loss($0[0], $0[1], reduction: reduction) },
        reference: { Reference.l1Loss($0[0], $0[1], reduction: reduction) }),
      OperationCase(
        "l2Loss", label, pair, run: { l2Loss($0[0], $0[1], reduction: reduction) },
        reference: { Reference.l2Loss($0[0], $0[1], reduction: reduction) }),
      OperationCase(
        "smoothL1Loss", label, pair, run: { smoothL1Loss($0[0], $0[1], beta: 0.7, reduction: reduction) },
        reference: { Reference.smoothL1Loss($0[0], $0[1], beta: 0.7, reduction: reduction) }),
      entropy(label, shape, weighted: false, reduction), entropy(label + ", weights", shape, weighted: true, reduction),
    ]
  }

  private static func entropy(
    _ label: String, _ shape: Shape, weighted: Bool, _ reduction: LossReduction
  ) -> OperationCase {
    var random = RandomSource(seed: 4)
    let targets = Tensor.uniform(shape, using: &random)
    let weight = weighted ? Tensor.uniform([shape[shape.rank - 1]], in: 0.5..<2, using: &random) : nil
    let positive = weighted ? Tensor.uniform([shape[shape.rank - 2], 1], in: 0.5..<3, using: &random) : nil
    return OperationCase(
      "binaryCrossEntropy", label, [(shape, .normal)],
      run: {
        binaryCrossEntropy(
          logits: $0[0], targets: targets, weight: weight, positiveWeight: positive, reduction: reduction)
      },
      reference: {
        Reference.binaryCrossEntropy(
          logits: $0[0], targets: ReferenceArray(targets), weight: weight.map(ReferenceArray.init),
          positiveWeight: positive.map(ReferenceArray.init), reduction: reduction)
      })
  }
}
