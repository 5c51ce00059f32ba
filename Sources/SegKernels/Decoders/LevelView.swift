/// Half a cell up or down and left or right, before the nearest cell is looked for.
struct Shift {
  let y: Float, x: Float
  static let none = Shift(y: 0, x: 0)
}

/// What the queries find in one level of a pyramid.
struct LevelView {
  private enum Lookup {
    case grid(rows: AxisLookup, columns: AxisLookup)
    case points(rows: [AxisLookup], columns: [AxisLookup])
  }

  private let lookup: Lookup
  private let positions: QueryPositions
  private let extent: Pair

  init(_ level: Shape, _ positions: QueryPositions, _ shift: Shift) {
    self.positions = positions
    extent = Pair(height: level[2], width: level[3])
    switch positions {
    case .grid(let size, let cover):
      lookup = .grid(
        rows: AxisLookup(count: size.height, share: cover.height, extent: level[2], shift: shift.y),
        columns: AxisLookup(count: size.width, share: cover.width, extent: level[3], shift: shift.x))
    case .points(let points):
      check(
        points.rank == 3 && points.shape[2] == 2 && points.shape[0] == level[0], "ImplicitFunction",
        "expected points \(level[0])×Q×2, found shape \(points.shape)")
      let values = points.scalars, count = points.shape[1]
      func axis(_ image: Int, _ axis: Int, _ extent: Int, _ shift: Float) -> AxisLookup {
        AxisLookup((0..<count).lazy.map { values[(image * count + $0) * 2 + axis] }, extent: extent, shift: shift)
      }
      lookup = .points(
        rows: (0..<level[0]).map { axis($0, 0, level[2], shift.y) },
        columns: (0..<level[0]).map { axis($0, 1, level[3], shift.x) })
    }
  }

  /// The nearest cells.
  var places: SamplePlaces {
    switch lookup {
    case .grid(let rows, let columns): return .grid(rows: rows.cells, columns: columns.cells)
    case .points(let rows, let columns):
      let cells = zip(rows, columns).flatMap { rows, columns in
        zip(rows.cells, columns.cells).map { $0 * Int32(extent.width) + $1 }
      }
      return .points(Labels([rows.count, cells.count / max(rows.count, 1)], cells))
    }
  }

  /// Different offsets, or numbers of places, in rows U×2; the rows and columns of the map that they make; where
  /// queries find theirs.
  typealias Table = (offsets: Tensor, size: Pair, places: SamplePlaces)

  /// The different offsets.
  var table: Table {
    switch lookup {
    case .grid(let rows, let columns):
      let (y, x) = (rows.distinct, columns.distinct)
      return (
        offsetTable(y.offsets, x.offsets), Pair(height: y.offsets.count, width: x.offsets.count),
        .grid(rows: y.indices, columns: x.indices)
      )
    case .points(let rows, let columns):
      return list(zip(rows, columns).flatMap { zip($0.offsets, $1.offsets).flatMap { [$0, $1] } }, images: rows.count)
    }
  }

  /// The size of ``table``.
  var tableCount: Int {
    guard case .grid(let rows, let columns) = lookup else { return 0 }
    return rows.distinct.offsets.count * columns.distinct.offsets.count
  }

  /// The offsets of a grid's rows and columns.
  var gridOffsets: GridOffsets {
    guard case .grid(let rows, let columns) = lookup else { misuse("ImplicitFunction", "points have no rows") }
    return GridOffsets(rows: rows.offsets, columns: columns.offsets)
  }

  /// The rows and columns of a table of 100 places along each axis of the image. Published: the number of the query on
  /// its grid, up to 100; here that is scaled into the table on larger grids.
  var cellsOfTable: Table {
    let places = SpatialEncoding.tableExtent
    switch positions {
    case .grid(let size, _):
      func axis(_ count: Int) -> [Float] { (0..<count).map { Float(count <= places ? $0 : $0 * places / count) } }
      let (rows, columns) = (axis(size.height), axis(size.width))
      let (height, width) = (Int(rows.last ?? 0) + 1, Int(columns.last ?? 0) + 1)
      return (
        offsetTable((0..<height).map(Float.init), (0..<width).map(Float.init)), Pair(height: height, width: width),
        .grid(rows: rows.map { Int32($0) }, columns: columns.map { Int32($0) })
      )
    case .points(let points):
      let cells = points.scalars.map { min(max((($0 + 1) / 2 * Float(places)).rounded(.down), 0), Float(places - 1)) }
      return list(cells, images: points.shape[0])
    }
  }

  /// A row for every point of every image.
  private func list(_ values: [Float], images: Int) -> Table {
    let count = values.count / 2
    return (
      Tensor([count, 2], values), Pair(height: 1, width: count),
      .points(Labels([images, count / max(images, 1)], (0..<Int32(count)).map { $0 }))
    )
  }

  /// |offset y · offset x| + 10⁻⁹ of every query: 1×1×h×w, or N×1×1×Q.
  var areas: Tensor {
    switch lookup {
    case .grid(let rows, let columns):
      return Tensor(
        [1, 1, rows.cells.count, columns.cells.count],
        rows.offsets.flatMap { y in columns.offsets.map { abs(y * $0) + 1e-9 } })
    case .points(let rows, let columns):
      let areas = zip(rows, columns).flatMap { zip($0.offsets, $1.offsets).map { abs($0 * $1) + 1e-9 } }
      return Tensor([rows.count, 1, 1, areas.count / max(rows.count, 1)], areas)
    }
  }
}
