import SegKernels

extension Visibility {
  /// How many pixel centres each of some things would cover if nothing stood before them; what lies outside the
  /// picture does not count.
  func silhouettes(_ mesh: Mesh, of things: Set<Int32>) -> [Int32: Int] {
    var own: [Int32: [ScreenTriangle]] = [:]
    for triangle in triangles {
      let instance = Int32(mesh.surfaces[Int(mesh.triangles[Int(triangle.source)].surface)].instance)
      if things.contains(instance) { own[instance, default: []].append(triangle) }
    }
    return own.mapValues { triangles in
      var covered: Set<Int> = []
      for triangle in triangles {
        let (e0, e1, e2) = triangle.edges
        for row in Int(triangle.top)...Int(max(triangle.bottom, triangle.top)) {
          for column in Int(triangle.left)...Int(max(triangle.right, triangle.left)) {
            let (x, y) = (Float(column) + 0.5, Float(row) + 0.5)
            let inside = min(min(e0.x * x + e0.y * y + e0.z, e1.x * x + e1.y * y + e1.z), e2.x * x + e2.y * y + e2.z)
            if inside >= 0 { covered.insert(row * size.width + column) }
          }
        }
      }
      return covered.count
    }
  }
}
