import SegKernels

extension OperationTable {
  static let choices: [OperationCase] = dropouts + channelDropouts + maxima + selections

  private static let dropouts: [OperationCase] = [
    (0 as Float, [7] as Shape), (0.25, [3, 50]), (0.5, [40_001]), (0.5, largeMap),
  ].map {
    rate, shape in
    OperationCase(
      "dropout", "\(shape) rate \(rate)", [(shape, .normal)],
      run: {
        var random = RandomSource(seed: 5)
        return dropout($0[0], rate: rate, using: &random)
      },
      reference: {
        // The mask is the seed's; what becomes of kept and dropped elements is the definition's.
        var random = RandomSource(seed: 5)
        let mask = dropout(.ones(shape), rate: rate, using: &random)
        return Reference.dropout(
          $0[0], mask: ReferenceArray(shape, mask.scalars.map { $0 == 0 ? 0 : 1 }), rate: Double(rate))
      })
  }

  private static let channelDropouts: [OperationCase] = [([2, 5, 3, 4] as Shape), [3, 7, 1, 1], [2, 4], largeMap].map {
    shape in
    OperationCase(
      "dropout2d", "\(shape)", [(shape, .normal)],
      run: {
        var random = RandomSource(seed: 6)
        return dropout2d($0[0], rate: 0.5, using: &random)
      },
      reference: {
        var random = RandomSource(seed: 6)
        let mask = dropout2d(.ones(shape), rate: 0.5, using: &random)
        return Reference.dropout($0[0], mask: ReferenceArray(shape, mask.scalars.map { $0 == 0 ? 0 : 1 }), rate: 0.5)
      })
  }

  private static let selections: [OperationCase] = [
    ([5] as Shape, [5] as Shape, [5] as Shape), ([2, 1, 3], [4, 1], []), ([1], [2, 3], [3]), ([0, 3], [3], [1]),
    ([1, 64, 128, 256], [1, 64, 128, 256], [1, 64, 128, 256]),
  ].map { condition, a, b in
    var random = RandomSource(seed: 8)
    let mask = Tensor(condition, (0..<condition.elementCount).map { _ in random.nextUniform() < 0.5 ? 0 : 1 })
    return OperationCase(
      "select", "\(condition), \(a), \(b)", [(a, .normal), (b, .normal)],
      run: { select(mask, $0[0], else: $0[1]) },
      reference: { Reference.select(ReferenceArray(mask), $0[0], else: $0[1]) })
  }

  private static let maxima: [OperationCase] = [
    ([2, 5, 3, 4] as Shape, 1), ([7, 3], -1), ([3, 4], 0), ([1, 19, 67, 71], 1), ([1, 19, 512, 1024], 1),
  ]
  .map { shape, axis in
    OperationCase(
      "argmax", "\(shape) axis \(axis)", [(shape, .distinct)], checksGradient: false,
      run: {
        let labels = argmax($0[0], axis: axis)
        return Tensor(labels.shape, labels.values.map(Float.init))
      },
      timed: { _ = argmax($0[0], axis: axis) },
      reference: {
        let labels = Reference.argmax($0[0], axis: axis)
        return ReferenceArray(labels.shape, labels.values.map(Double.init))
      })
  }
}
