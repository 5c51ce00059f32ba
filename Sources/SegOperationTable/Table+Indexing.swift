import SegKernels

extension OperationTable {
  static let indexing: [OperationCase] = gathers + oneHots + indexSelections + indexAdditions + sorts + topKs

  /// Random indices below `extent`.
  private static func places(_ shape: Shape, below extent: Int) -> Labels {
    var random = RandomSource(seed: 9)
    return Labels(shape, (0..<shape.elementCount).map { _ in Int32.random(in: 0..<Int32(extent), using: &random) })
  }

  private static func numbers(_ labels: Labels) -> Tensor { Tensor(labels.shape, labels.values.map(Float.init)) }

  private static func numbers(_ labels: Labels) -> ReferenceArray {
    ReferenceArray(labels.shape, labels.values.map(Double.init))
  }

  private static let gathers: [OperationCase] = [
    ([1], [1], 0), ([5], [7], 0), ([3, 4], [2, 6], 1), ([3, 4], [5, 4], 0), ([3, 4], [5, 2], -2), ([3, 2], [0, 2], 0),
    ([2, 5, 3], [2, 4, 3], 1), ([4, 3, 2, 5], [3, 7, 1, 4], 1), ([2, 3, 2, 2], [2, 3, 2, 3], 3),
    ([7, 1003], [7, 2011], -1), ([2003, 37], [4001, 37], 0), ([2, 19, 37, 1021], [2, 3, 37, 1021], 1),
    ([16384, 128], [16384, 128], 0),
    ([4, 19, 256, 512], [4, 1, 256, 512], 1),
  ].map { (shape: Shape, index: Shape, axis: Int) in
    let indices = places(index, below: shape[axis])
    return OperationCase(
      "gather", "\(shape) at \(index) along \(axis)", [(shape, .normal)],
      run: { gather($0[0], axis: axis, indices: indices) },
      reference: { Reference.gather($0[0], axis: axis, indices: indices) })
  }

  private static let oneHots: [OperationCase] = [
    ([2, 3, 5], 4, 1), ([7], 3, 1), ([7], 3, 0), ([2, 3], 5, -1), ([], 3, 0), ([0, 2, 2], 3, 1), ([2, 3], 1, 1),
    ([2, 131, 257], 19, 1), ([1, 512, 1024], 19, 1),
  ].map { (shape: Shape, classes: Int, axis: Int) in
    // One label more than there are classes stands for the ignored ones.
    let all = places(shape, below: classes + 1)
    let labels = Labels(shape, all.values.map { $0 == classes ? 255 : $0 })
    return OperationCase(
      "oneHot", "\(shape), \(classes) classes at \(axis)", [], checksGradient: false,
      isForTiming: shape == [1, 512, 1024],
      run: { _ in oneHot(labels, classes: classes, axis: axis, ignoreIndex: 255) },
      reference: { _ in Reference.oneHot(labels, classes: classes, axis: axis, ignoreIndex: 255) })
  }

  private static let indexSelections: [OperationCase] = [
    ([5], 0, 7), ([1], 0, 1), ([3, 4], 0, 5), ([3, 4], -1, 6), ([2, 5, 3], 1, 4), ([2, 5, 3], 1, 0),
    ([2, 3, 2, 5], 2, 3), ([0, 3], 1, 2), ([1009, 67], 0, 1500), ([3, 2003], 1, 4001), ([1, 64, 128, 256], 3, 512),
  ].map { (shape: Shape, axis: Int, count: Int) in
    let indices = places([count], below: shape[axis])
    return OperationCase(
      "indexSelect", "\(count) of \(shape) along \(axis)", [(shape, .normal)],
      run: { indexSelect($0[0], axis: axis, indices: indices) },
      reference: { Reference.indexSelect($0[0], axis: axis, indices: indices) })
  }

  private static let indexAdditions: [OperationCase] = [
    ([5], 0, 7), ([1], 0, 1), ([3, 4], 0, 5), ([3, 4], -1, 6), ([2, 5, 3], 1, 4), ([2, 5, 3], 1, 0),
    ([2, 3, 2, 5], 2, 3), ([0, 3], 1, 2), ([1009, 67], 0, 1500), ([3, 2003], 1, 4001), ([4096, 128], 0, 16384),
  ].map { (shape: Shape, axis: Int, count: Int) in
    let indices = places([count], below: shape[axis])
    let source = shape.replacing(axis: shape.axis(axis, for: "indexAdd"), with: count)
    return OperationCase(
      "indexAdd", "\(source) into \(shape) along \(axis)", [(shape, .normal), (source, .normal)],
      run: { indexAdd($0[0], axis: axis, indices: indices, source: $0[1]) },
      reference: { Reference.indexAdd($0[0], axis: axis, indices: indices, source: $0[1]) })
  }

  private static let sorts: [OperationCase] = [
    ([1], 0), ([7], 0), ([0, 3], 0), ([2, 0], 0), ([2, 5, 3], 1), ([3, 4], -1), ([3, 4], 0), ([2, 3, 67, 17], 2),
    ([3, 257], 1), ([2, 1 << 20], 1),
  ].flatMap { (shape: Shape, axis: Int) in
    [false, true].flatMap { descending in
      ordered("sort", "\(shape) along \(axis)\(descending ? ", descending" : "")", shape, axis, descending, nil) {
        sort($0, axis: axis, descending: descending)
      }
    }
  }

  private static let topKs: [OperationCase] = [
    ([1], 0, 1), ([7], 0, 3), ([7], 0, 7), ([2, 5, 3], 1, 2), ([3, 4], -1, 1), ([3, 4], 0, 0), ([0, 5], 1, 2),
    ([2, 19, 7, 11], 1, 5), ([2, 401], 1, 64), ([2, 401], 1, 65),
    ([1, 19, 256, 512], 1, 5), ([2, 1 << 20], 1, 1000),
  ].flatMap { (shape: Shape, axis: Int, k: Int) in
    ordered("topK", "\(k) of \(shape) along \(axis)", shape, axis, true, k) { topK($0, k: k, axis: axis) }
  }

  /// Rows for the values, the indices, and the indices where many elements are equal; for timing, the first alone.
  private static func ordered(
    _ name: String, _ label: String, _ shape: Shape, _ axis: Int, _ descending: Bool, _ count: Int?,
    _ function: @escaping @Sendable (Tensor) -> (values: Tensor, indices: Labels)
  ) -> [OperationCase] {
    let values = OperationCase(
      name, label, [(shape, .distinct)], run: { function($0[0]).values },
      reference: {
        let order = Reference.order($0[0], axis: axis, descending: descending, count: count)
        return Reference.gather($0[0], axis: axis, indices: order)
      })
    if values.isForTiming { return [values] }
    return [
      values,
      OperationCase(
        name, label + ", indices", [(shape, .distinct)], checksGradient: false,
        run: { numbers(function($0[0]).indices) },
        reference: { numbers(Reference.order($0[0], axis: axis, descending: descending, count: count)) }),
      OperationCase(
        name, label + ", indices of equals", [(shape, .normal)], checksGradient: false,
        run: { numbers(function($0[0].clamped(to: -0.5...0.5)).indices) },
        reference: {
          numbers(
            Reference.order(Reference.clamp($0[0], -0.5...0.5), axis: axis, descending: descending, count: count))
        }),
    ]
  }
}
