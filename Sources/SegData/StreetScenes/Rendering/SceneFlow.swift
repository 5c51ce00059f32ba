import Foundation
import SegKernels
import SegMetrics

/// Where the points that one view shows lie in another view of the same street, at the same time or at another.
struct SceneFlow {
  /// A mesh at a time, seen by a camera.
  struct View {
    let mesh: Mesh
    let camera: StreetCamera
  }

  private let from: View, to: View
  private let size: Pair
  private let stillTriangles: Int
  /// What the first view shows.
  private let triangles: [ScreenTriangle]
  /// For the centre of each pixel, the number plus one of one of them; 0 for the sky.
  private let seen: [Int32]

  /// - Parameter stillTriangles: how many triangles, the first of both meshes, are the same in both.
  init(from: View, to: View, stillTriangles: Int, size: Pair) {
    let visibility = Visibility(from.mesh, from.camera, size: size)
    self.init(
      from: from, to: to, stillTriangles: stillTriangles, size: size, triangles: visibility.triangles,
      seen: visibility.centers())
  }

  /// From a view that is rendered already.
  init(of rendering: Rendering, from: View, to: View, stillTriangles: Int) {
    self.init(
      from: from, to: to, stillTriangles: stillTriangles, size: rendering.size, triangles: rendering.triangles,
      seen: rendering.pixels.map(\.triangle))
  }

  private init(
    from: View, to: View, stillTriangles: Int, size: Pair, triangles: [ScreenTriangle], seen: [Int32]
  ) {
    self.from = from
    self.to = to
    self.size = size
    self.stillTriangles = stillTriangles
    self.triangles = triangles
    self.seen = seen
  }

  /// A point of the street, as it was seen and where it is now.
  private struct Point {
    /// Column and row in the other view; NaN behind its camera.
    let x, y: Double
    /// Nearness there; 0 for the sky.
    let closeness: Double
    let moves: Bool
  }

  /// The flow of every pixel's centre, whether the point is hidden in the other view, and whether it moved by itself.
  func measured() -> StreetFlow {
    let others = Visibility(to.mesh, to.camera, size: size).triangles
    let bins = TriangleBins(others, edge: 4, size: size), area = size.height * size.width
    var occluded = [Int32](repeating: 0, count: area), moving = occluded
    let vectors = occluded.withUnsafeMutableBufferPointer { occluded in
      moving.withUnsafeMutableBufferPointer { moving in
        let (occluded, moving) = (occluded.baseAddress!, moving.baseAddress!)
        return Tensor(uninitialized: [2, size.height, size.width]) { vectors in
          let vectors = vectors.baseAddress!
          forEachPoint { row, column, point in
            let place = row * size.width + column
            vectors[place] = Float(point.x - Double(column) - 0.5)
            vectors[area + place] = Float(point.y - Double(row) - 0.5)
            moving[place] = point.moves ? 1 : 0
            occluded[place] = isHidden(point, others, bins) ? 1 : 0
          }
        }
      }
    }
    let shape: Shape = [size.height, size.width]
    return StreetFlow(
      field: FlowField(vectors), occluded: Labels(shape, occluded), moving: Labels(shape, moving))
  }

  /// The flow alone, two floats a pixel.
  func vectors() -> [SIMD2<Float>] {
    [SIMD2<Float>](unsafeUninitializedCapacity: size.height * size.width) { vectors, count in
      let target = vectors.baseAddress!
      forEachPoint { row, column, point in
        (target + row * size.width + column).initialize(
          to: SIMD2(Float(point.x - Double(column) - 0.5), Float(point.y - Double(row) - 0.5)))
      }
      count = size.height * size.width
    }
  }

  private func forEachPoint(_ body: (_ row: Int, _ column: Int, Point) -> Void) {
    seen.withUnsafeBufferPointer { seen in
      parallelFor(size.height) { row in
        for column in 0..<size.width { body(row, column, point(seen[row * size.width + column], row, column)) }
      }
    }
  }

  private func point(_ number: Int32, _ row: Int, _ column: Int) -> Point {
    let (x, y) = (Float(column) + 0.5, Float(row) + 0.5)
    let camera = from.camera, ray = SIMD3<Double>(camera.ray(x: x, y: y, size: size))
    guard number > 0 else {
      // The sky is so far away that only turning moves it.
      let (u, v, _) = projected(ray)
      return Point(x: u, y: v, closeness: 0, moves: false)
    }
    let triangle = triangles[Int(number) - 1], source = Int(triangle.source)
    var place = SIMD3<Double>(camera.position) + ray * Double(triangle.depth(x: x, y: y))
    var moves = false
    if source >= stillTriangles {
      let now = moved(place, source)
      moves = ((now - place) * (now - place)).sum() > 1e-8
      place = now
    }
    let (u, v, depth) = projected(place - SIMD3<Double>(to.camera.position))
    return Point(x: u, y: v, closeness: 1 / depth, moves: moves)
  }

  /// Where a point of a triangle has gone: the same mean of the corners.
  private func moved(_ point: SIMD3<Double>, _ source: Int) -> SIMD3<Double> {
    let corners = from.mesh.triangles[source]
    func corner(_ mesh: Mesh, _ index: UInt32) -> SIMD3<Double> { SIMD3<Double>(mesh.vertices[Int(index)].position) }
    let a = corner(from.mesh, corners.a)
    let (ab, ac, ap) = (corner(from.mesh, corners.b) - a, corner(from.mesh, corners.c) - a, point - a)
    let (bb, bc, cc) = ((ab * ab).sum(), (ab * ac).sum(), (ac * ac).sum())
    let (pb, pc) = ((ap * ab).sum(), (ap * ac).sum())
    let scale = 1 / max(bb * cc - bc * bc, 1e-18)
    let v = (cc * pb - bc * pc) * scale, w = (bb * pc - bc * pb) * scale
    let now = corner(to.mesh, corners.a)
    return now + (corner(to.mesh, corners.b) - now) * v + (corner(to.mesh, corners.c) - now) * w
  }

  /// Column, row and depth of a direction from the other camera; NaN behind it.
  private func projected(_ way: SIMD3<Double>) -> (x: Double, y: Double, depth: Double) {
    let camera = to.camera, focal = Double(camera.focalLength) * Double(size.width)
    let depth = (way * SIMD3<Double>(camera.ahead)).sum()
    guard depth > 1e-3 else { return (.nan, .nan, depth) }
    let x = (way * SIMD3<Double>(camera.right)).sum() / depth, y = (way * SIMD3<Double>(camera.up)).sum() / depth
    return (Double(size.width) / 2 + focal * x, Double(size.height) / 2 - focal * y, depth)
  }

  /// Whether a point lies outside the other view, or something nearer is seen at its very place.
  private func isHidden(_ point: Point, _ others: [ScreenTriangle], _ bins: TriangleBins) -> Bool {
    let (x, y) = (Float(point.x), Float(point.y))
    guard x >= 0, y >= 0, x < Float(size.width), y < Float(size.height) else { return true }
    // Nearer by more than what single precision leaves of the depth.
    let limit = Float(point.closeness) * 1.003
    return others.withUnsafeBufferPointer { others in
      for number in bins.members(row: Int(y), column: Int(x)) {
        let triangle = others[Int(number)]
        guard triangle.nearest > limit else { continue }
        let (e0, e1, e2) = triangle.edges
        let inside = min(min(e0.x * x + e0.y * y + e0.z, e1.x * x + e1.y * y + e1.z), e2.x * x + e2.y * y + e2.z)
        if inside > 0, min(triangle.closeness(x: x, y: y), triangle.nearest) > limit { return true }
      }
      return false
    }
  }
}
