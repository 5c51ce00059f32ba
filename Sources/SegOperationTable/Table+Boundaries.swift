import SegKernels

extension OperationTable {
  static let boundaries: [OperationCase] = systems + boundaryLosses + transformDistances

  private static let systems: [OperationCase] = [
    [5], [1, 1], [7, 3], [3, 8], [2, 3, 5], [0, 4], [257, 5], [1 << 18, 5],
  ]
  .map { (shape: Shape) in
    let k = shape[-1], matrices = Shape(shape.dimensions + [k])
    // A symmetric part that is positive definite, whatever is drawn.
    let two = Tensor([k, k], (0..<(k * k)).map { $0 % (k + 1) == 0 ? 2 : 0 })
    return OperationCase(
      "solveSymmetric", "\(matrices)", [(matrices, .normal), (shape, .normal)],
      run: { solveSymmetric($0[0] * 0.1 + two, $0[1]) },
      reference: {
        let a = Reference.add(Reference.multiply($0[0], ReferenceArray([], [0.1])), ReferenceArray(two))
        return Reference.solveSymmetric(a, $0[1])
      })
  }

  private static let boundaryLosses: [OperationCase] = [
    [2, 1, 3, 5], [1, 1, 1, 1], [3, 1, 7, 11], [1, 1, 97, 131], [1, 1, 1024, 2048],
  ].flatMap { (shape: Shape) -> [OperationCase] in
    var random = RandomSource(seed: 6)
    let draws = Tensor.uniform(shape, using: &random).scalars, others = Tensor.uniform(shape, using: &random).scalars
    let target = Tensor(shape, draws.map { $0 < 0.3 ? 1 : 0 }),
      counted = Tensor(shape, others.map { $0 < 0.8 ? 1 : 0 })
    let depth = Tensor(shape, zip(draws, others).map { $1 < 0.8 ? 1 + 30 * $0 : 0 })
    let input: [(Shape, OperationCase.Domain)] = [(shape, .normal)]
    return [
      OperationCase(
        "balancedBoundaryEntropy", "\(shape)", input,
        run: { balancedBoundaryEntropy($0[0], target, counted: counted) },
        reference: {
          Reference.balancedBoundaryEntropy($0[0], ReferenceArray(target), counted: ReferenceArray(counted))
        }),
      OperationCase(
        "boundaryDice", "\(shape)", input, run: { boundaryDice($0[0], target, counted: counted) },
        reference: { Reference.boundaryDice($0[0], ReferenceArray(target), counted: ReferenceArray(counted)) }),
      OperationCase(
        "logDepthLoss", "\(shape)", input, run: { logDepthLoss($0[0], depth) },
        reference: { Reference.logDepthLoss($0[0], ReferenceArray(depth)) }),
    ]
  }

  private static let transformDistances: [OperationCase] =
    (BoundaryTransform.allCases.map { ($0, 5) } + [(.shiftScale, 1 << 19)]).flatMap {
      transform, tiles in
      [TransformDistance.euclidean, .geodesic()].map { distance in
        OperationCase(
          "transformDistance", "\(distance), \(transform.rawValue), \(tiles) tiles",
          [([tiles, transform.count], .awayFromZero)],
          // The norm is made smooth at 0 by 10⁻⁶.
          tolerance: 2e-5,
          run: { distance($0[0] * 0.3, transform) },
          reference: {
            let x = Reference.multiply($0[0], ReferenceArray([], [0.3]))
            return distance == .euclidean ? Reference.norm(x) : Reference.geodesicDistance(x, transform)
          })
      }
    }
}
