import SegKernels

extension OperationTable {
  static let views: [OperationCase] = likenesses + places

  private static let likenesses: [OperationCase] =
    ([
      [2, 3, 5, 6], [1, 1, 2, 2], [1, 2, 3, 3], [1, 1, 2, 9], [1, 3, 17, 33], [2, 1, 35, 4], largeImages,
    ] as [Shape]).flatMap { shape in
      [
        OperationCase(
          "photometricError", "\(shape)", [(shape, .normal), (shape, .normal)], tolerance: 1e-5,
          run: { photometricError($0[0], $0[1]) },
          reference: { Reference.photometricError($0[0], $0[1], structure: 0.85) }),
        OperationCase(
          "structuralDissimilarity", "\(shape)", [(shape, .normal), (shape, .normal)], tolerance: 1e-5,
          run: { structuralDissimilarity($0[0], $0[1]) },
          reference: { Reference.structuralDissimilarity($0[0], $0[1]) }),
      ]
    }

  private static let places: [OperationCase] = [
    placed(1, [2, 2]), placed(2, [4, 5]), placed(3, [19, 21]), placed(48, [128, 384]),
  ]

  /// Motions near that of a camera at rest, and depths that keep everything ahead of both views.
  private static func placed(_ images: Int, _ size: Pair) -> OperationCase {
    let shape: Shape = [images, 1, size.height, size.width]
    let camera = [6, 7, Float(size.width) / 2, Float(size.height) / 2 - 0.25]
    let cameras = (0..<images).flatMap { image in camera.map { $0 + Float(image % 2) } }
    let intrinsics = Tensor([images, 4], cameras), still = Tensor([1, 3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1])
    return OperationCase(
      "viewPlaces", "\(shape)", [(shape, .positive), ([images, 3, 3], .withinOne), ([images, 3], .withinOne)],
      tolerance: 1e-5,
      run: {
        let motion = RigidMotion(rotation: $0[1] * 0.02 + still, translation: $0[2])
        return viewPlaces($0[0] * 4, intrinsics: intrinsics, motion: motion)
      },
      reference: {
        Reference.viewPlaces($0[0], depthUnit: 4, cameras: cameras.map(Double.init), $0[1], turnUnit: 0.02, $0[2])
      })
  }

  /// A batch at the size that depth is learnt at.
  private static let largeImages: Shape = [8, 3, 128, 384]
}
