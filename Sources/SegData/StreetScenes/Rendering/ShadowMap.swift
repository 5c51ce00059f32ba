import Foundation
import SegKernels

/// How far light from one direction reaches: the street seen from there, in parallel rays, nearest surface a cell.
struct ShadowMap {
  private let frame: Frame
  private let cells: Int
  private let cell: Float
  /// Minus the distance along the light, the nearest surface's; very small where there is none.
  private let closeness: [Float]

  /// - Parameters:
  ///   - light: towards the source.
  ///   - center: the middle of the part of the street that is covered, `reach` metres to each side.
  ///   - isSteady: move the middle to a whole number of cells, so that maps about different places have common cells.
  init(_ mesh: Mesh, light: Vector, center: Vector, reach: Float, cells: Int, isSteady: Bool) {
    let ahead = -normalized(light)
    let right = normalized(cross(Vector(0.13, 0.9, 0.41), ahead)), up = cross(ahead, right)
    let cell = 2 * reach / Float(cells)
    var origin = center
    if isSteady {
      for axis in [right, up] { origin -= axis * dot(origin, axis).truncatingRemainder(dividingBy: cell) }
    }
    let frame = Frame(right: right, up: up, ahead: ahead, origin: origin)
    let places = mesh.vertices.map { ShadowMap.place($0.position, frame, cells, cell) }
    let triangles = places.withUnsafeBufferPointer { places in
      mesh.triangles.compactMap { triangle -> ScreenTriangle? in
        ScreenTriangle(
          places[Int(triangle.a)], places[Int(triangle.b)], places[Int(triangle.c)], width: cells, height: cells,
          source: 0)
      }
    }
    self.frame = frame
    self.cells = cells
    self.cell = cell
    closeness = [Float](unsafeUninitializedCapacity: cells * cells) { map, count in
      count = cells * cells
      let map = map.baseAddress!
      let band = 64
      parallelFor((cells + band - 1) / band) { number in
        let top = number * band, bottom = min(top + band, cells)
        (map + top * cells).initialize(repeating: -1e9, count: (bottom - top) * cells)
        for triangle in triangles where Int(triangle.bottom) >= top && Int(triangle.top) < bottom {
          ShadowMap.draw(
            triangle, map, cells, rows: max(Int(triangle.top), top)..<min(Int(triangle.bottom) + 1, bottom))
        }
      }
    }
  }

  @inline(__always) private static func place(_ point: Vector, _ frame: Frame, _ cells: Int, _ cell: Float) -> Vector {
    let offset = point - frame.origin
    return Vector(
      dot(offset, frame.right) / cell + Float(cells) / 2, dot(offset, frame.up) / cell + Float(cells) / 2,
      -dot(offset, frame.ahead))
  }

  private static func draw(
    _ triangle: ScreenTriangle, _ map: UnsafeMutablePointer<Float>, _ cells: Int, rows: Range<Int>
  ) {
    let (e0, e1, e2) = triangle.edges
    for row in rows {
      let span = triangle.columns(row: row, from: Int(triangle.left), to: Int(triangle.right))
      guard span.first <= span.last else { continue }
      let y = Float(row) + 0.5, line = map + row * cells
      // Some of a cell more than is covered: thin things throw shadows too.
      let (r0, r1, r2) = (e0.y * y + e0.z + 0.3, e1.y * y + e1.z + 0.3, e2.y * y + e2.z + 0.3)
      for column in span.first...span.last {
        let x = Float(column) + 0.5
        guard min(min(e0.x * x + r0, e1.x * x + r1), e2.x * x + r2) > 0 else { continue }
        let value = min(max(triangle.closeness(x: x, y: y), triangle.farthest), triangle.nearest)
        if value > line[column] { line[column] = value }
      }
    }
  }

  /// The share of the light that reaches a point: four cells about it, weighed by how near they are.
  func light(at point: Vector) -> Float {
    let p = ShadowMap.place(point, frame, cells, cell)
    let (x, y) = (p.x - 0.5, p.y - 0.5)
    guard x >= 0, y >= 0, x < Float(cells - 1), y < Float(cells - 1) else { return 1 }
    let (i, j) = (Int(x), Int(y)), (u, v) = (x - Float(i), y - Float(j))
    return closeness.withUnsafeBufferPointer { map in
      @inline(__always) func lit(_ index: Int) -> Float { map[index] <= p.z + 0.02 ? 1 : 0 }
      let place = j * cells + i
      return mix(mix(lit(place), lit(place + 1), u), mix(lit(place + cells), lit(place + cells + 1), u), v)
    }
  }

  /// How open a point is to this side, from 0 to 1: what stands up to 1.5 m around it and rises above it hides some.
  func openness(at point: Vector) -> Float {
    let p = ShadowMap.place(point, frame, cells, cell)
    var open: Float = 0
    closeness.withUnsafeBufferPointer { map in
      for (dx, dy, radius) in ShadowMap.ring {
        let (x, y) = (Int(p.x + dx / cell), Int(p.y + dy / cell))
        guard x >= 0, y >= 0, x < cells, y < cells else {
          open += 1
          continue
        }
        let rise = map[y * cells + x] - p.z
        open += rise < 0.06 + 0.5 * radius ? 1 : 0
      }
    }
    return open / Float(ShadowMap.ring.count)
  }

  /// Where ``openness(at:)`` looks: the place itself and two rings about it, with their radii in metres.
  private static let ring: [(Float, Float, Float)] = {
    func circle(_ count: Int, _ radius: Float, from start: Float) -> [(Float, Float, Float)] {
      (0..<count).map { index in
        let angle = start + 2 * Float.pi * Float(index) / Float(count)
        return (radius * cos(angle), radius * sin(angle), radius)
      }
    }
    return [(0, 0, 0)] + circle(4, 0.45, from: 0.4) + circle(5, 1.3, from: 0)
  }()
}
