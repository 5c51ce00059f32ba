import SegKernels

extension OperationTable {
  static let resizing: [OperationCase] =
    sizes.flatMap { shape, size in
      [
        OperationCase(
          "resize", "nearest \(shape) to \(size)", [(shape, .normal)], run: { resize($0[0], to: size, .nearest) },
          reference: { Reference.resizeNearest($0[0], size: size) }),
        OperationCase(
          "resize", "bilinear \(shape) to \(size)", [(shape, .normal)], run: { resize($0[0], to: size) },
          reference: { Reference.resizeBilinear($0[0], size: size, alignCorners: false) }),
        OperationCase(
          "resize", "bilinear \(shape) to \(size), corners aligned", [(shape, .normal)],
          run: { resize($0[0], to: size, alignCorners: true) },
          reference: { Reference.resizeBilinear($0[0], size: size, alignCorners: true) }),
      ]
    } + [
      OperationCase(
        "resize", "a part of the result", [([1, 2, 5, 7], .normal)],
        run: { resize($0[0], to: [12, 9], rows: 3..<8, columns: 2..<9) },
        reference: {
          let whole = Reference.resizeBilinear($0[0], size: [12, 9], alignCorners: false)
          return Reference.slice(Reference.slice(whole, axis: 2, range: 3..<8), axis: 3, range: 2..<9)
        })
    ]

  private static let sizes: [(Shape, Pair)] = [
    ([1, 2, 3, 4], [6, 8]), ([2, 1, 5, 7], [3, 4]), ([1, 2, 4, 3], [4, 3]), ([1, 1, 1, 1], [3, 5]), ([1, 2, 5, 6], 1),
    ([1, 1, 3, 5], [7, 11]), ([1, 3, 32, 60], [90, 121]), ([1, 64, 128, 256], [256, 512]),
  ]
}
