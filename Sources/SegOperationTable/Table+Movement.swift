import SegKernels

extension OperationTable {
  static let movement: [OperationCase] = reshapes + permutes + concatenations + slices + paddings + products + sums

  private static let reshapes: [OperationCase] = [([2, 6], [3, 4]), ([2, 3, 4], [24]), ([0, 3], [3, 0])].map {
    (from: Shape, to: Shape) in
    OperationCase(
      "reshape", "\(from) to \(to)", [(from, .normal)], run: { $0[0].reshaped(to) },
      reference: { Reference.reshape($0[0], to: to) })
  }

  private static let permutes: [OperationCase] =
    [
      ([2, 3], [1, 0]), ([2, 3, 4], [2, 0, 1]), ([2, 3, 4, 5], [0, 2, 3, 1]), ([2, 1, 3], [1, 0, 2]),
      ([37, 53], [1, 0]), ([19, 20], [1, 0]),
      ([2, 3, 33, 17], [3, 0, 2, 1]), ([2, 1100, 3], [0, 2, 1]), ([3, 0, 2], [2, 1, 0]), ([2048, 2048], [1, 0]),
      (largeMap, [0, 2, 3, 1]),
      (largeMap, [1, 0, 2, 3]),
    ].map { (shape: Shape, axes: [Int]) in
      OperationCase(
        "permute", "\(shape) by \(axes)", [(shape, .normal)],
        run: { $0[0].permuted(axes) }, reference: { Reference.permute($0[0], axes: axes) })
    } + [
      OperationCase(
        "permute", "transposed", [([3, 5], .normal)], run: { $0[0].transposed() },
        reference: { Reference.permute($0[0], axes: [1, 0]) })
    ]

  private static let concatenations: [OperationCase] = [
    ([[2, 3], [2, 1], [2, 4]], 1), ([[1, 2, 3], [4, 2, 3]], 0), ([[2, 3, 4], [2, 3, 1]], -1), ([[2, 0], [2, 3]], 1),
    ([[8, 16, 128, 128], [8, 48, 128, 128]], 1),
  ].map { (shapes: [Shape], axis: Int) in
    OperationCase(
      "concatenate", "\(shapes) along \(axis)", shapes.map { ($0, .normal) },
      run: { concatenate($0, axis: axis) }, reference: { Reference.concatenate($0, axis: axis) })
  }

  private static let slices: [OperationCase] =
    [
      ([7], 0, 2..<6, 1), ([3, 9], 1, 0..<9, 2), ([3, 9], 1, 1..<8, 3), ([4, 3, 2], 0, 1..<1, 1),
      ([2, 5, 3], -2, 4..<5, 1), ([2, 3, 5003], 1, 0..<3, 2), (largeMap, 1, 16..<48, 1), (largeMap, 3, 0..<128, 2),
    ].map { (shape: Shape, axis: Int, range: Range<Int>, step: Int) in
      OperationCase(
        "slice", "\(shape) axis \(axis) \(range) by \(step)", [(shape, .normal)],
        run: { $0[0].slice(axis: axis, range, step: step) },
        reference: { Reference.slice($0[0], axis: axis, range: range, step: step) })
    }
    + [[2, 3, 5] as Shape, largeMap].map { shape in
      OperationCase(
        "flip", "columns of \(shape)", [(shape, .normal)], run: { $0[0].flipped(axis: -1) },
        reference: { Reference.flip($0[0], axis: shape.rank - 1) })
    }

  private static let paddings: [OperationCase] = [
    ([1, 2, 4, 5], 1, 2, 0, 3), ([1, 2, 4, 5], 0, 0, 0, 0), ([1, 2, 4, 5], 2, 2, 2, 2), ([1, 2, 4, 5], 3, 0, 0, 0),
    (largeMap, 1, 1, 1, 1),
  ].flatMap { (shape: Shape, top: Int, bottom: Int, left: Int, right: Int) -> [OperationCase] in
    let amounts = [(0, 0), (0, 0), (top, bottom), (left, right)].map { (before: $0.0, after: $0.1) }
    let label = "\([top, bottom, left, right]) around \(shape)"
    return [
      OperationCase(
        "pad", "constant \(label)", [(shape, .normal)],
        run: { $0[0].padded(top: top, bottom: bottom, left: left, right: right, with: .constant(0.5)) },
        reference: { Reference.pad($0[0], padding: amounts, value: 0.5) }),
      OperationCase(
        "pad", "replicate \(label)", [(shape, .normal)],
        run: { $0[0].padded(top: top, bottom: bottom, left: left, right: right, with: .replicate) },
        reference: { Reference.padReplicate($0[0], padding: amounts) }),
      OperationCase(
        "pad", "reflect \(label)", [(shape, .normal)],
        run: { $0[0].padded(top: top, bottom: bottom, left: left, right: right, with: .reflect) },
        reference: { Reference.padReflect($0[0], padding: amounts) }),
    ]
  }

  private static let products: [OperationCase] =
    [(1, 1, 1), (3, 5, 2), (7, 13, 11), (2, 0, 3), (65, 3, 2), (2, 3, 129), (1024, 1024, 1024)].map {
      (m: Int, k: Int, n: Int) in
      OperationCase(
        "matmul", "\(m)×\(k)×\(n)", [([m, k], .normal), ([k, n], .normal)], run: { matmul($0[0], $0[1]) },
        reference: { Reference.matmul($0[0], $0[1]) })
    } + [
      OperationCase(
        "matmul", "2×3 pairs of 3×4×2", [([2, 3, 3, 4], .normal), ([2, 3, 4, 2], .normal)],
        run: { matmul($0[0], $0[1]) }, reference: { Reference.matmul($0[0], $0[1]) }),
      OperationCase(
        "matmul", "3 pairs of 67×5×130", [([3, 67, 5], .normal), ([3, 5, 130], .normal)],
        run: { matmul($0[0], $0[1]) }, reference: { Reference.matmul($0[0], $0[1]) }),
      OperationCase(
        "matmul", "32 pairs of 256×256×256", [([32, 256, 256], .normal), ([32, 256, 256], .normal)],
        run: { matmul($0[0], $0[1]) }, reference: { Reference.matmul($0[0], $0[1]) }),
      OperationCase(
        "matmul", "130×257×131", [([130, 257], .normal), ([257, 131], .normal)], run: { matmul($0[0], $0[1]) },
        reference: { Reference.matmul($0[0], $0[1]) }),
    ]
    + [(3, 5, 2), (16384, 256, 512)].map { (rows: Int, inputs: Int, outputs: Int) in
      OperationCase(
        "linear", "\(rows)×\(inputs) to \(rows)×\(outputs)",
        [([rows, inputs], .normal), ([outputs, inputs], .normal), ([outputs], .normal)],
        run: { linear($0[0], weight: $0[1], bias: $0[2]) },
        reference: { Reference.add(Reference.matmul($0[0], Reference.permute($0[1], axes: [1, 0])), $0[2]) })
    }

  private static let sums: [OperationCase] = [
    ([7] as Shape, 0), ([1], 0), ([2, 5, 3], 1), ([3, 4], -1), ([0, 3], 1), ([2, 0], 1), ([2, 300, 41], 1),
    (largeMap, 1), (largeMap, 3),
  ].map {
    shape, axis in
    OperationCase(
      "cumulativeSum", "\(shape) along \(axis)", [(shape, .normal)], run: { $0[0].cumulativeSum(axis: axis) },
      reference: { Reference.cumulativeSum($0[0], axis: axis) })
  }
}
