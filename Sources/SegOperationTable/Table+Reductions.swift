import SegKernels

extension OperationTable {
  static let reductions: [OperationCase] = [
    rows("sum", .normal, { $0.sum(axes: $1, keepDimensions: $2) }, { Reference.sum($0, axes: $1, keepDimensions: $2) }),
    rows(
      "mean", .normal, { $0.mean(axes: $1, keepDimensions: $2) }, { Reference.mean($0, axes: $1, keepDimensions: $2) }),
    rows(
      "maximum", .distinct, { $0.maximum(axes: $1, keepDimensions: $2) },
      { Reference.maximum($0, axes: $1, keepDimensions: $2) }),
    rows(
      "minimum", .distinct, { $0.minimum(axes: $1, keepDimensions: $2) },
      { Reference.minimum($0, axes: $1, keepDimensions: $2) }),
    broadcasts,
  ].flatMap { $0 }

  private static func rows(
    _ name: String, _ domain: OperationCase.Domain, _ run: @escaping @Sendable (Tensor, [Int], Bool) -> Tensor,
    _ reference: @escaping @Sendable (ReferenceArray, [Int], Bool) -> ReferenceArray
  ) -> [OperationCase] {
    let choices: [(Shape, [Int], Bool)] = [
      ([1], [], false), ([3, 5], [], false), ([3, 5], [0], false), ([3, 5], [1], true),
      ([2, 3, 4, 5], [0, 2, 3], false),
      ([2, 3, 4, 5], [1], true), ([2, 3, 4, 5], [0, 2], true), ([2, 3, 4], [-1], false), ([5, 700], [0], false),
      ([70_001], [], false), ([3, 1, 7], [1], false), (largeMap, [], false), (largeMap, [0, 2, 3], false),
      (largeMap, [1], false), (largeMap, [3], false),
    ]
    return choices.map { shape, axes, keep in
      OperationCase(
        name, "\(shape) over \(axes)\(keep ? ", kept" : "")", [(shape, domain)], run: { run($0[0], axes, keep) },
        reference: { reference($0[0], axes, keep) })
    }
  }

  private static let broadcasts: [OperationCase] = {
    let shapes: [(Shape, Shape)] = [
      ([1], [4]), ([3, 1], [2, 3, 5]), ([], [2, 2]), ([2, 3], [2, 3]), ([64, 1, 1], largeMap),
    ]
    return shapes.map { from, to in
      OperationCase(
        "broadcast", "\(from) to \(to)", [(from, .normal)], isForTiming: to == largeMap,
        run: { $0[0].broadcast(to: to) }, reference: { Reference.add($0[0], ReferenceArray(zeros: to)) })
    }
  }()
}
