import SegKernels

extension OperationTable {
  static let smallMatrices: [OperationCase] = inverses + polarFactors + decompositions + rotations

  private static let rotations: [OperationCase] = [[0, 3], [1, 3], [5, 3], [101, 3], [1009, 3], [1 << 20, 3]].map {
    (shape: Shape) in
    OperationCase(
      "axisAngle", "\(shape)", [(shape, .normal)], run: { rotation(axisAngle: $0[0]) },
      reference: { Reference.rotation(axisAngle: $0[0]) })
  }

  private static let shapes: [Shape] = [
    [3, 3], [1, 3, 3], [5, 3, 3], [2, 3, 3, 3], [0, 3, 3], [1009, 3, 3], [1 << 18, 3, 3],
  ]

  private static let inverses: [OperationCase] = shapes.map { shape in
    OperationCase(
      "inverse3x3", "\(shape)", [(shape, .normal)], run: { inverse3x3($0[0]) },
      reference: { Reference.inverse3x3($0[0]) })
  }

  private static let polarFactors: [OperationCase] = [false, true].flatMap { isRotation in
    shapes.map { shape in
      OperationCase(
        "polarFactor3x3", "\(shape)\(isRotation ? ", rotations" : "")", [(shape, .normal)],
        run: { polarFactor3x3($0[0], isRotation: isRotation) },
        reference: { Reference.polarFactor3x3($0[0], isRotation: isRotation) })
    } + [
      // Singular values that are nearly equal: the gradient must not divide by their differences.
      OperationCase(
        "polarFactor3x3", "near a rotation\(isRotation ? ", rotations" : "")", [([4, 3, 3], .normal)],
        run: { polarFactor3x3($0[0] * 1e-3 + turn, isRotation: isRotation) },
        reference: {
          Reference.polarFactor3x3(
            Reference.add(Reference.multiply($0[0], ReferenceArray([], [1e-3])), ReferenceArray(turn)),
            isRotation: isRotation)
        })
    ]
  }

  /// A rotation without rounding: the cyclic exchange of the axes.
  private static let turn = Tensor([3, 3], [0, 0, 1, 1, 0, 0, 0, 1, 0])

  private static let decompositions: [OperationCase] = shapes.flatMap { shape in
    [
      OperationCase(
        "svd3x3", "\(shape), u", [(shape, .normal)], run: { svd3x3($0[0]).u }, reference: { Reference.svd3x3($0[0]).u }),
      OperationCase(
        "svd3x3", "\(shape), s", [(shape, .normal)], run: { svd3x3($0[0]).s }, reference: { Reference.svd3x3($0[0]).s }),
      OperationCase(
        "svd3x3", "\(shape), v", [(shape, .normal)], run: { svd3x3($0[0]).v }, reference: { Reference.svd3x3($0[0]).v }),
      // What the three make together is what went in, and so is its gradient.
      OperationCase(
        "svd3x3", "\(shape), put together", [(shape, .normal)],
        run: { x in
          let (u, s, v) = svd3x3(x[0])
          let axes = Array(0..<shape.rank - 2) + [shape.rank - 1, shape.rank - 2]
          return matmul(u * s.reshaped(Shape(shape.dropLast(2) + [1, 3])), v.permuted(axes))
        },
        reference: { $0[0] }),
    ]
  }
}
