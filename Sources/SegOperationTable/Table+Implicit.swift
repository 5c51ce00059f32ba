import SegKernels

extension OperationTable {
  static let implicit: [OperationCase] = sampledSums + implicitNetworks

  /// Random places of a grid of a size in a map.
  private static func grid(_ size: Pair, in map: Shape, seed: UInt64) -> SamplePlaces {
    var random = RandomSource(seed: seed)
    func list(_ count: Int, _ extent: Int) -> [Int32] {
      (0..<count).map { _ in Int32.random(in: 0..<Int32(extent), using: &random) }
    }
    return .grid(rows: list(size.height, map[2]), columns: list(size.width, map[3]))
  }

  /// Random points in a map.
  private static func points(_ count: Int, of images: Int, in map: Shape) -> SamplePlaces {
    var random = RandomSource(seed: 7)
    return .points(
      Labels(
        [images, count],
        (0..<images * count).map { _ in Int32.random(in: 0..<Int32(map[2] * map[3]), using: &random) }))
  }

  private static let sampledSums: [OperationCase] = [
    ([[2, 3, 4, 5]] as [Shape], [3, 7] as Pair), ([[2, 9, 4, 5], [1, 9, 2, 3]], [1, 1]),
    ([[1, 1, 1, 1]], [2, 3]), ([[2, 17, 5, 7], [2, 17, 3, 4], [1, 17, 4, 4]], [13, 29]), ([[1, 8, 3, 3]], [0, 4]),
    ([[2, 64, 128, 256], [1, 64, 4, 4]], [256, 512]),
  ].flatMap { maps, size in
    let kinds: [(String, [SamplePlaces])] = [
      ("grid", maps.enumerated().map { grid(size, in: $1, seed: UInt64($0 + 1)) }),
      ("points", maps.map { points(size.height * size.width, of: maps[0][0], in: $0) }),
    ]
    return kinds.map { kind, places in
      OperationCase(
        "sampledSum", "\(kind) of \(size) in \(maps)", maps.map { ($0, .normal) }, run: { sampledSum($0, at: places) },
        reference: { Reference.sampledSum($0, at: places) })
    }
  }

  private static let implicitNetworks: [OperationCase] = [
    implicitNetworkRow([[2, 5, 3, 4], [1, 5, 2, 2]], [4, 6], [7, 3], isEncoded: false),
    implicitNetworkRow([[1, 3, 2, 2]], [1, 1], [1], isEncoded: true),
    implicitNetworkRow([[2, 17, 5, 7]], [11, 131], [33, 9, 19], isEncoded: true),
    implicitNetworkRow([[1, 8, 2, 2]], [3, 97], [16, 5], isEncoded: false),
    implicitNetworkRow([[1, 256, 96, 96]], [128, 256], [256, 19], isEncoded: true),
  ]

  private static func implicitNetworkRow(
    _ maps: [Shape], _ size: Pair, _ widths: [Int], isEncoded: Bool
  ) -> OperationCase {
    let places = maps.enumerated().map { grid(size, in: $1, seed: UInt64($0 + 3)) }
    let rowOffsets: [Float] = (0..<size.height).map { (row: Int) -> Float in Float(row % 5) / 3 - 0.7 }
    let columnOffsets: [Float] = (0..<size.width).map { (column: Int) -> Float in Float(column % 7) / 4 - 0.8 }
    let channels = maps[0][1]
    // Rectifiers have a kink at 0, which positive numbers keep away from: those rows have their gradient checked.
    let domain: OperationCase.Domain = isEncoded ? .normal : .positive
    var inputs: [(Shape, OperationCase.Domain)] = maps.map { (shape: Shape) in (shape, domain) }
    if isEncoded {
      inputs += [(Shape([channels, 26]), .normal), (Shape([12, 2]), .normal)] as [(Shape, OperationCase.Domain)]
    }
    inputs.append((Shape([channels]), domain))
    var previous = channels
    for width in widths {
      inputs += [(Shape([width, previous]), domain), (Shape([width]), domain)]
      previous = width
    }
    let first = maps.count + (isEncoded ? 2 : 0)
    @Sendable func layers<Value>(_ x: [Value]) -> [(weight: Value, bias: Value)] {
      widths.indices.map { (x[first + 1 + 2 * $0], x[first + 2 + 2 * $0]) }
    }
    return OperationCase(
      "implicitNetwork", "\(size) of \(maps), layers \(widths)\(isEncoded ? ", encoded" : "")", inputs, tolerance: 1e-5,
      checksGradient: isEncoded ? false : nil,
      run: { x in
        implicitNetwork(
          Array(x[..<maps.count]), at: places,
          encoded: isEncoded
            ? [(GridOffsets(rows: rowOffsets, columns: columnOffsets), x[maps.count], x[maps.count + 1])] : [],
          bias: x[first], layers: layers(x))
      },
      reference: { x in
        Reference.implicitNetwork(
          Array(x[..<maps.count]), at: places,
          encoded: isEncoded ? (rowOffsets, columnOffsets, x[maps.count], x[maps.count + 1]) : nil,
          bias: x[first], layers: layers(x))
      })
  }
}
