import Glibc
import SegKernels

extension OperationTable {
  static let panoptic: [OperationCase] = heatmaps + selections + groupings

  private static let heatmaps: [OperationCase] = [
    ([2, 1, 4, 5] as Shape, 3, 3), ([1, 1, 5, 4], 4, 2), ([1, 1, 1, 1], 1, 1), ([3, 1, 17, 31], 20, 20),
    ([4, 1, 256, 512], 20, 20),
  ].map { shape, slots, limit in
    // Few peaks in small windows would be all there are.
    let rules = HeatmapRules(slots: slots, limit: limit, sigma: 2, window: 3)
    return OperationCase(
      "instanceHeatmaps", "\(slots) slots, \(limit) filled, of \(shape)",
      [(shape, .distinct), (shape.replacing(axis: 1, with: 2), .normal), (shape, .positive)], tolerance: 1e-5,
      run: { instanceHeatmaps(centers: $0[0], offsets: $0[1], things: $0[2], rules: rules).heatmaps },
      reference: { Reference.instanceHeatmaps($0[0], $0[1], $0[2], rules) })
  }

  /// Some queries are no thing's; of three slots one is not to be filled.
  private static let selections: [OperationCase] = [
    ([2, 7, 6] as Shape, 3, 2), ([1, 1, 2], 1, 1), ([1, 3, 4], 5, 5), ([3, 17, 6], 4, 0), ([512, 200, 21], 20, 20),
  ].map { shape, slots, limit in
    let things = (0..<(shape[2] - 1)).map { $0 >= shape[2] / 2 - 1 }
    return OperationCase(
      "querySelection", "\(slots) slots, \(limit) filled, of \(shape)", [(shape, .distinct)],
      run: { querySelection($0[0], things: things, slots: slots, limit: limit) },
      reference: { Reference.querySelection($0[0], things: things, slots: slots, limit: limit) })
  }

  private static let groupings: [OperationCase] = [
    ([4, 5] as Pair, 2, 3), ([1, 1], 1, 1), ([17, 67], 5, 40), ([33, 130], 0, 200), ([1024, 2048], 60, 2048),
  ].map { size, count, stuffArea in
    let shape: Shape = [size.height, size.width]
    var random = RandomSource(seed: UInt64(size.height))
    // Blocks of labels as pictures have them, some of no class; Gaussians around the centres.
    let edge = max(size.height / 16, 2)
    let blocks = (0..<((size.height / edge + 1) * (size.width / edge + 1))).map { _ -> Int32 in
      let label = Int32.random(in: 0..<22, using: &random)
      return label > 18 ? 255 : label
    }
    let semantic = Labels(
      shape,
      (0..<shape.elementCount).map {
        blocks[$0 / size.width / edge * (size.width / edge + 1) + $0 % size.width / edge]
      })
    var centers = [Float](repeating: 0, count: shape.elementCount)
    for _ in 0..<count {
      let row = Int.random(in: 0..<size.height, using: &random), column = Int.random(in: 0..<size.width, using: &random)
      let height = random.nextUniform() * 0.7 + 0.3
      for y in max(row - 24, 0)..<min(row + 25, size.height) {
        for x in max(column - 24, 0)..<min(column + 25, size.width) {
          let distance = Float((y - row) * (y - row) + (x - column) * (x - column))
          centers[y * size.width + x] = max(centers[y * size.width + x], height * expf(-distance / 128))
        }
      }
    }
    let map = Tensor(shape, centers), rules = GroupingRules(things: (0..<19).map { $0 >= 11 }, stuffArea: stuffArea)
    @Sendable func run(_ offsets: Tensor) -> PanopticLabels {
      groupInstances(semantic: semantic, centers: map, offsets: offsets, rules: rules)
    }
    return OperationCase(
      "groupInstances", "\(count) things in \(size)", [([2, size.height, size.width], .normal)], checksGradient: false,
      run: {
        let found = run($0[0])
        return Tensor(shape, zip(found.labels.values, found.instances.values).map { Float($0) * 1000 + Float($1) })
      },
      timed: { _ = run($0[0]) },
      reference: { Reference.groupInstances(semantic, ReferenceArray(map), $0[0], rules) })
  }
}
