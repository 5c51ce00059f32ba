import SegKernels

/// Which triangle is seen where: a mesh cut at the camera, projected, and sorted into square tiles of the picture.
struct Visibility {
  /// Rows and columns of a tile: its samples fit a first-level cache.
  static let tile = 32
  /// Where a pixel is looked at, from its centre: seven samples for colour, and the centre itself for the label.
  static let samplesX = SIMD8<Float>(-0.428, -0.286, -0.143, 0, 0.143, 0.286, 0.428, 0)
  static let samplesY = SIMD8<Float>(0.143, -0.357, 0.428, -0.071, -0.428, 0.357, -0.214, 0)
  /// Nothing nearer than this is drawn, metres.
  static let near: Float = 0.15

  let size: Pair
  let triangles: [ScreenTriangle]
  private let tiles: TriangleBins

  init(_ mesh: Mesh, _ camera: StreetCamera, size: Pair) {
    self.size = size
    let corners = mesh.vertices.map { camera.view($0.position) }
    triangles = Visibility.projected(mesh, corners, focalLength: camera.focalLength, size)
    tiles = TriangleBins(triangles, edge: Visibility.tile, size: size)
  }

  private static func projected(_ mesh: Mesh, _ corners: [Vector], focalLength: Float, _ size: Pair) -> [ScreenTriangle]
  {
    let focal = focalLength * Float(size.width)
    let (middleX, middleY) = (Float(size.width) / 2, Float(size.height) / 2)
    func screen(_ p: Vector) -> Vector {
      let inverse = 1 / p.z
      return Vector(middleX + focal * p.x * inverse, middleY - focal * p.y * inverse, inverse)
    }
    var result: [ScreenTriangle] = []
    result.reserveCapacity(mesh.triangles.count / 2)
    func add(_ a: Vector, _ b: Vector, _ c: Vector, _ source: Int) {
      let triangle = ScreenTriangle(
        screen(a), screen(b), screen(c), width: size.width, height: size.height, source: UInt32(source))
      if let triangle { result.append(triangle) }
    }
    corners.withUnsafeBufferPointer { corners in
      for (number, triangle) in mesh.triangles.enumerated() {
        let (a, b, c) = (corners[Int(triangle.a)], corners[Int(triangle.b)], corners[Int(triangle.c)])
        let inFront = (a.z > near ? 1 : 0) + (b.z > near ? 1 : 0) + (c.z > near ? 1 : 0)
        if inFront == 3 {
          add(a, b, c, number)
        } else if inFront > 0 {
          let cut = clipped([a, b, c])
          for index in 1..<(cut.count - 1) { add(cut[0], cut[index], cut[index + 1], number) }
        }
      }
    }
    return result
  }

  /// The part of a polygon that lies before the near plane.
  private static func clipped(_ polygon: [Vector]) -> [Vector] {
    var result: [Vector] = []
    for (index, p) in polygon.enumerated() {
      let q = polygon[(index + 1) % polygon.count]
      if p.z > near { result.append(p) }
      if (p.z > near) != (q.z > near) { result.append(p + (q - p) * ((near - p.z) / (q.z - p.z))) }
    }
    return result
  }

  /// What is seen in one tile. `seen` holds, for each sample of each pixel, a triangle's number plus one; 0 is the sky.
  struct Tile {
    let rows: Range<Int>, columns: Range<Int>
    let seen: UnsafeMutablePointer<SIMD8<Int32>>

    @inline(__always) func index(_ row: Int, _ column: Int) -> Int {
      (row - rows.lowerBound) * Visibility.tile + column - columns.lowerBound
    }
  }

  /// Calls `body` with every tile, in parallel.
  func forEachTile(_ body: (Tile) -> Void) {
    let edge = Visibility.tile
    parallelFor(tiles.count) { number in
      let (top, left) = (number / tiles.columns * edge, number % tiles.columns * edge)
      let seen = UnsafeMutablePointer<SIMD8<Int32>>.allocate(capacity: edge * edge)
      let closeness = UnsafeMutablePointer<SIMD8<Float>>.allocate(capacity: edge * edge)
      defer {
        seen.deallocate()
        closeness.deallocate()
      }
      seen.initialize(repeating: SIMD8(repeating: 0), count: edge * edge)
      closeness.initialize(repeating: SIMD8(repeating: 0), count: edge * edge)
      let tile = Tile(
        rows: top..<min(top + edge, size.height), columns: left..<min(left + edge, size.width), seen: seen)
      triangles.withUnsafeBufferPointer { triangles in
        for member in tiles.members(number) {
          draw(triangles[Int(member)], Int32(member) + 1, tile, closeness)
        }
      }
      body(tile)
    }
  }

  /// For the centre of each pixel, a triangle's number plus one; 0 is the sky.
  func centers() -> [Int32] {
    [Int32](unsafeUninitializedCapacity: size.height * size.width) { centers, count in
      let centers = centers.baseAddress!
      forEachTile { tile in
        for row in tile.rows {
          for column in tile.columns {
            (centers + row * size.width + column).initialize(to: tile.seen[tile.index(row, column)][7])
          }
        }
      }
      count = size.height * size.width
    }
  }

  private func draw(
    _ triangle: ScreenTriangle, _ number: Int32, _ tile: Tile, _ closeness: UnsafeMutablePointer<SIMD8<Float>>
  ) {
    let (x, y) = (Visibility.samplesX, Visibility.samplesY)
    let (e0, e1, e2, w) = (triangle.edges.0, triangle.edges.1, triangle.edges.2, triangle.closeness)
    // What each sample adds to the value at the pixel's centre. Neighbours may both claim a sample on their common
    // edge (it belongs to the nearer), so that rounding leaves no gaps.
    let slack: Float = 0.003
    let (d0, d1, d2) = (x * e0.x + y * e0.y + slack, x * e1.x + y * e1.y + slack, x * e2.x + y * e2.y + slack)
    let dw = x * w.x + y * w.y
    let zero = SIMD8<Float>(repeating: 0), own = SIMD8<Int32>(repeating: number)
    let first = max(Int(triangle.left), tile.columns.lowerBound)
    let last = min(Int(triangle.right), tile.columns.upperBound - 1)
    for row in max(Int(triangle.top), tile.rows.lowerBound)..<min(Int(triangle.bottom) + 1, tile.rows.upperBound) {
      let span = triangle.columns(row: row, from: first, to: last)
      guard span.first <= span.last else { continue }
      let py = Float(row) + 0.5
      for column in span.first...span.last {
        let px = Float(column) + 0.5
        let (c0, c1, c2) = (e0.x * px + e0.y * py + e0.z, e1.x * px + e1.y * py + e1.z, e2.x * px + e2.y * py + e2.z)
        // Samples lie within 0.56 of the centre.
        guard min(min(c0, c1), c2) > -0.57 else { continue }
        let place = tile.index(row, column)
        let value = SIMD8(repeating: triangle.closeness(x: px, y: py)) + dw
        let isInside =
          (SIMD8(repeating: c0) + d0 .>= zero) .& (SIMD8(repeating: c1) + d1 .>= zero)
          .& (SIMD8(repeating: c2) + d2 .>= zero)
        let wins = isInside .& (value .> closeness[place])
        closeness[place].replace(with: value, where: wins)
        tile.seen[place].replace(with: own, where: wins)
      }
    }
  }
}
