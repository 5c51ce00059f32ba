import SegKernels

extension OperationTable {
  static let sampling: [OperationCase] = gridSamples + unfoldings

  private static let gridSamples: [OperationCase] = [SampleEdge.zeros, .border, .reflection].flatMap { edge in
    [Interpolation.nearest, .bilinear].flatMap { interpolation in
      [false, true].flatMap { isAligned in
        ([
          ([2, 3, 4, 5], [2, 3, 4, 2]), ([1, 17, 4, 5], [1, 3, 4, 2]),
          ([1, 1, 1, 6], [1, 5, 2, 2]), ([2, 5, 33, 41], [2, 61, 37, 2]),
          ([1, 64, 128, 256], [1, 128, 256, 2]),
        ]
          as [(Shape, Shape)]).map {
            shape, grid in
            OperationCase(
              "gridSample", "\(shape) at \(grid), \(interpolation), \(edge)\(isAligned ? ", corners aligned" : "")",
              [(shape, .normal), (grid, .normal)], tolerance: 2e-5,
              // Places between −2 and 2, mostly inside.
              run: {
                gridSample($0[0], grid: $0[1] * 0.8, interpolation, edge: edge, alignCorners: isAligned)
              },
              reference: {
                Reference.gridSample(
                  $0[0], grid: Reference.multiply($0[1], ReferenceArray([], [Double(Float(0.8))])),
                  interpolation: interpolation, edge: edge, alignCorners: isAligned)
              })
          }
      }
    }
  }

  private static let unfoldings: [OperationCase] = [
    ([2, 3, 5, 4] as Shape, 3 as Pair, 1 as Pair, 1 as Pair, 1 as Pair), ([1, 2, 7, 6], 2, 2, 0, 1),
    ([1, 1, 7, 9], [3, 2], [1, 2], [2, 0], [2, 1]), ([1, 64, 128, 256], 3, 1, 1, 1),
  ].map { shape, kernel, stride, padding, dilation in
    OperationCase(
      "unfold", "\(shape) kernel \(kernel)", [(shape, .normal)],
      run: { unfold($0[0], kernel: kernel, stride: stride, padding: padding, dilation: dilation) },
      reference: { Reference.unfold($0[0], kernel: kernel, stride: stride, padding: padding, dilation: dilation) })
  }
}
