/// Where an implicit decoder is asked. Positions are (y, x) in −1…1; −1 and 1 are the outer sides of the image.
public enum QueryPositions: Sendable, Hashable {
  /// The centres of the cells of a grid.
  ///
  /// - Parameter cover: the share of the image's height and width that the grid covers, from the top left corner: what
  /// is
  ///   beyond is padding.
  case grid(Pair, cover: Cover = .whole)
  /// Any points: N×Q×2.
  case points(Tensor)

  /// Shares of an image's height and width.
  public struct Cover: Sendable, Hashable {
    /// 0…1
    public var height = 1.0, width = 1.0
    /// All of the image.
    public static let whole = Cover()

    /// The share that an image has in the padded one.
    public init(height: Double = 1, width: Double = 1) {
      self.height = height
      self.width = width
    }
  }

  public static func == (a: QueryPositions, b: QueryPositions) -> Bool {
    switch (a, b) {
    case (.grid(let a, let coverA), .grid(let b, let coverB)): a == b && coverA == coverB
    case (.points(let a), .points(let b)): a.shape == b.shape && a.scalars == b.scalars
    default: false
    }
  }

  public func hash(into hasher: inout Hasher) {
    switch self {
    case .grid(let size, let cover):
      hasher.combine(size)
      hasher.combine(cover)
    case .points(let points): hasher.combine(points.shape)
    }
  }
}

/// What queries find on one axis of a level: the nearest cell, and how far from its centre they are.
///
/// The offset is (query − centre) · cells, so that −1 and 1 are the cell's sides (IFA's released code, `ifa_feat`).
struct AxisLookup {
  /// The cell of each query.
  private(set) var cells: [Int32] = []
  /// The offset of each query.
  private(set) var offsets: [Float] = []

  /// Queries at the centres of `count` cells on `share` of an axis of `extent` cells.
  ///
  /// - Parameter shift: moves the query, in half cells of this axis, before the nearest cell is looked for; offsets
  /// stay
  ///   the query's own.
  init(count: Int, share: Double, extent: Int, shift: Float = 0) {
    for index in 0..<count {
      // In single precision and in this order, as PyTorch does it: exact ties fall to the same side.
      let half = 1 / Double(count)
      let coordinate = Float(-1 + half) + Float(2 * half) * Float(index)
      add((coordinate + 1) * Float(share) - 1, exact: Double(2 * index + 1) / Double(count) * share, extent, shift)
    }
  }

  /// Queries at given coordinates in −1…1.
  init(_ coordinates: some Sequence<Float>, extent: Int, shift: Float = 0) {
    for coordinate in coordinates { add(coordinate, exact: Double(coordinate) + 1, extent, shift) }
  }

  private mutating func add(_ coordinate: Float, exact: Double, _ extent: Int, _ shift: Float) {
    let margin: Float = 1e-6
    var place = coordinate
    if shift != 0 { place += shift / Float(extent) + margin }
    place = min(max(place, -1 + margin), 1 - margin)
    let cell = (((place + 1) * Float(extent) - 1) / 2).rounded(.toNearestOrEven)
    let nearest = min(max(Int(cell), 0), extent - 1)
    cells.append(Int32(nearest))
    offsets.append(Float(exact * Double(extent) - Double(2 * nearest + 1)))
  }

  /// The different offsets in ascending order, and for each query the number of its own. Offsets that differ by
  /// rounding alone count as one.
  var distinct: (offsets: [Float], indices: [Int32]) {
    let keys = offsets.map { Int(($0 * Float(1 << 18)).rounded()) }
    var values: [Int: Float] = [:]
    for (key, offset) in zip(keys, offsets) { values[key] = values[key] ?? offset }
    let sorted = values.keys.sorted()
    let numbers = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, Int32($0)) })
    return (sorted.map { values[$0]! }, keys.map { numbers[$0]! })
  }
}
