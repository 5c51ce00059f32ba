/// A triangle on a grid of pixels: three edges, and a closeness that is linear across it.
///
/// Each edge is a signed distance in pixels, positive inside. Closeness is 1/depth in a picture, and minus the distance
/// in the parallel view of a shadow map: of two triangles the one with more of it hides the other.
struct ScreenTriangle {
  /// Coefficients of x, y and 1.
  let edges: (Vector, Vector, Vector)
  let closeness: Vector
  /// Closeness at the corners: what lies beyond comes from extending the plane past the triangle.
  let nearest: Float, farthest: Float
  /// The pixels that the triangle may touch.
  let left: Int32, right: Int32, top: Int32, bottom: Int32
  /// Its number in the mesh.
  let source: UInt32

  /// Corners (column, row, closeness); nil if no pixel of the grid can be touched.
  init?(_ a: Vector, _ b: Vector, _ c: Vector, width: Int, height: Int, source: UInt32) {
    let low = pointwiseMin(pointwiseMin(a, b), c), high = pointwiseMax(pointwiseMax(a, b), c)
    guard high.x > 0, high.y > 0, low.x < Float(width), low.y < Float(height) else { return nil }
    let area = Double(b.x - a.x) * Double(c.y - a.y) - Double(c.x - a.x) * Double(b.y - a.y)
    // Seen exactly from the side, a triangle covers nothing.
    guard abs(area) > 1e-6 else { return nil }
    left = Int32(max(low.x - 0.5, 0))
    top = Int32(max(low.y - 0.5, 0))
    right = Int32(min(high.x + 0.5, Float(width - 1)))
    bottom = Int32(min(high.y + 0.5, Float(height - 1)))
    let sign: Double = area > 0 ? 1 : -1
    func edge(_ p: Vector, _ q: Vector) -> Vector {
      let (dx, dy) = (Double(q.x - p.x), Double(q.y - p.y))
      let scale = sign / max((dx * dx + dy * dy).squareRoot(), 1e-9)
      let (x, y) = (-dy * scale, dx * scale)
      return Vector(Float(x), Float(y), Float(-(x * Double(p.x) + y * Double(p.y))))
    }
    edges = (edge(a, b), edge(b, c), edge(c, a))
    let (db, dc) = (Double(b.z - a.z), Double(c.z - a.z))
    let x = (db * Double(c.y - a.y) - dc * Double(b.y - a.y)) / area
    let y = (dc * Double(b.x - a.x) - db * Double(c.x - a.x)) / area
    closeness = Vector(Float(x), Float(y), Float(Double(a.z) - x * Double(a.x) - y * Double(a.y)))
    nearest = high.z
    farthest = low.z
    self.source = source
  }

  /// The columns of a row that the triangle may touch, within bounds; empty where it touches none.
  @inline(__always) func columns(row: Int, from first: Int, to last: Int) -> (first: Int, last: Int) {
    // Of few columns all may as well be tried.
    if last - first < 4 { return (first, last) }
    var (low, high) = (Float(first), Float(last))
    let y = Float(row) + 0.5
    @inline(__always) func narrow(_ edge: Vector) {
      // A pixel's samples lie up to 0.71 from its centre, and edges are distances.
      let rest = edge.y * y + edge.z + 0.75
      if edge.x > 1e-6 {
        low = max(low, -rest / edge.x - 0.5)
      } else if edge.x < -1e-6 {
        high = min(high, -rest / edge.x - 0.5)
      } else if rest < 0 {
        high = -1
      }
    }
    narrow(edges.0)
    narrow(edges.1)
    narrow(edges.2)
    // Rounding outwards by less than a column does no harm: every sample is tested.
    return low <= high ? (max(Int(low), first), min(Int(high) + 1, last)) : (1, 0)
  }

  /// The distance along a picture's axis, within that of the corners.
  @inline(__always) func depth(x: Float, y: Float) -> Float {
    1 / min(max(closeness(x: x, y: y), farthest), nearest)
  }

  @inline(__always) func closeness(x: Float, y: Float) -> Float { closeness.x * x + closeness.y * y + closeness.z }
}
