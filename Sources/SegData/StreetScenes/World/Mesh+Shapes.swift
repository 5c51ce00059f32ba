import Foundation

// The shapes that everything on the street is made of. Sizes in metres, places in the mesh's current frame.
extension Mesh {
  /// A flat four-sided face, corners in order. Texture runs along the first edge and across it, from `offset` on.
  mutating func quad(
    _ a: Vector, _ b: Vector, _ c: Vector, _ d: Vector, _ surface: UInt32, texture offset: Vector = Vector(0, 0, 0)
  ) {
    let edge = b - a, along = normalized(edge)
    let normal = normalized(cross(edge, d - a)), across = cross(normal, along)
    let corners = [a, b, c, d].map { corner in
      vertex(corner, normal, Vector(dot(corner - a, along), dot(corner - a, across), 0) + offset)
    }
    triangle(corners[0], corners[1], corners[2], surface)
    triangle(corners[0], corners[2], corners[3], surface)
  }

  /// A box between two corners. Texture runs horizontally and up each face; its third part tells the faces apart.
  ///
  /// - Parameter open: leave out the lower face, which stands on something.
  mutating func box(_ low: Vector, _ high: Vector, _ surface: UInt32, open: Bool = true) {
    let (l, h) = (low, high)
    func corner(_ x: Float, _ y: Float, _ z: Float) -> Vector { Vector(x, y, z) }
    // Front (towards −z), back, left, right, top.
    quad(
      corner(l.x, l.y, l.z), corner(h.x, l.y, l.z), corner(h.x, h.y, l.z), corner(l.x, h.y, l.z), surface,
      texture: Vector(l.x, l.y, 1))
    quad(
      corner(h.x, l.y, h.z), corner(l.x, l.y, h.z), corner(l.x, h.y, h.z), corner(h.x, h.y, h.z), surface,
      texture: Vector(-h.x, l.y, 2))
    quad(
      corner(l.x, l.y, h.z), corner(l.x, l.y, l.z), corner(l.x, h.y, l.z), corner(l.x, h.y, h.z), surface,
      texture: Vector(-h.z, l.y, 3))
    quad(
      corner(h.x, l.y, l.z), corner(h.x, l.y, h.z), corner(h.x, h.y, h.z), corner(h.x, h.y, l.z), surface,
      texture: Vector(l.z, l.y, 4))
    quad(
      corner(l.x, h.y, l.z), corner(h.x, h.y, l.z), corner(h.x, h.y, h.z), corner(l.x, h.y, h.z), surface,
      texture: Vector(l.x, l.z, 5))
    if !open {
      quad(
        corner(l.x, l.y, h.z), corner(h.x, l.y, h.z), corner(h.x, l.y, l.z), corner(l.x, l.y, l.z), surface,
        texture: Vector(l.x, l.z, 6))
    }
  }

  /// A round bar from one point to another, thinner or thicker at its end: limbs, poles, tubes, trunks, wheels.
  ///
  /// - Parameter capped: close both ends with discs.
  mutating func bar(
    _ from: Vector, _ to: Vector, _ r0: Float, _ r1: Float, _ surface: UInt32, sides: Int = 8, capped: Bool = false
  ) {
    let sides = self.sides(sides, least: 3)
    let axis = normalized(to - from), length = dot(to - from, axis)
    let side = normalized(cross(axis, abs(axis.y) < 0.9 ? Vector(0, 1, 0) : Vector(1, 0, 0)))
    let other = cross(axis, side)
    var ring: [UInt32] = []
    for index in 0...sides {
      let angle = 2 * Float.pi * Float(index) / Float(sides)
      let normal = side * cos(angle) + other * sin(angle)
      ring.append(vertex(from + normal * r0, normal, Vector(angle * r0, 0, 0)))
      ring.append(vertex(to + normal * r1, normal, Vector(angle * r0, length, 0)))
    }
    for index in 0..<sides {
      let (a, b, c, d) = (ring[2 * index], ring[2 * index + 2], ring[2 * index + 3], ring[2 * index + 1])
      triangle(a, b, c, surface)
      triangle(a, c, d, surface)
    }
    if capped {
      disc(from, -axis, r0, surface, sides: sides)
      disc(to, axis, r1, surface, sides: sides)
    }
  }

  /// A flat round plate.
  mutating func disc(_ center: Vector, _ normal: Vector, _ radius: Float, _ surface: UInt32, sides: Int = 12) {
    let sides = self.sides(sides, least: 6)
    let side = normalized(cross(normal, abs(normal.y) < 0.9 ? Vector(0, 1, 0) : Vector(1, 0, 0)))
    let other = cross(normal, side)
    let middle = vertex(center, normal, Vector(0, 0, 0))
    let rim = (0...sides).map { index -> UInt32 in
      let angle = 2 * Float.pi * Float(index) / Float(sides), (c, s) = (cos(angle), sin(angle))
      return vertex(center + (side * c + other * s) * radius, normal, Vector(c, s, 0) * radius)
    }
    for index in 0..<sides { triangle(middle, rim[index], rim[index + 1], surface) }
  }

  /// A flat ring: spoked wheels, round signs' borders.
  mutating func ring(
    _ center: Vector, _ normal: Vector, _ inner: Float, _ outer: Float, _ surface: UInt32, sides: Int = 16
  ) {
    let sides = self.sides(sides, least: 8)
    let side = normalized(cross(normal, abs(normal.y) < 0.9 ? Vector(0, 1, 0) : Vector(1, 0, 0)))
    let other = cross(normal, side)
    let rim = (0...sides).flatMap { index -> [UInt32] in
      let angle = 2 * Float.pi * Float(index) / Float(sides), spoke = side * cos(angle) + other * sin(angle)
      return [inner, outer].map { vertex(center + spoke * $0, normal, spoke * $0) }
    }
    for index in 0..<sides {
      triangle(rim[2 * index], rim[2 * index + 1], rim[2 * index + 3], surface)
      triangle(rim[2 * index], rim[2 * index + 3], rim[2 * index + 2], surface)
    }
  }

  /// An ellipsoid with its axes along the frame's.
  mutating func ellipsoid(_ center: Vector, _ radii: Vector, _ surface: UInt32, sides: Int = 8) {
    let sides = self.sides(sides, least: 5), rings = max(sides / 2, 3)
    var grid: [UInt32] = []
    for ring in 0...rings {
      let latitude = Float.pi * (Float(ring) / Float(rings) - 0.5)
      for index in 0...sides {
        let longitude = 2 * Float.pi * Float(index) / Float(sides)
        let unit = Vector(cos(latitude) * cos(longitude), sin(latitude), cos(latitude) * sin(longitude))
        grid.append(vertex(center + unit * radii, normalized(unit / radii), unit * radii))
      }
    }
    for ring in 0..<rings {
      for index in 0..<sides {
        let a = ring * (sides + 1) + index
        triangle(grid[a], grid[a + 1], grid[a + sides + 2], surface)
        triangle(grid[a], grid[a + sides + 2], grid[a + sides + 1], surface)
      }
    }
  }

  /// A side view drawn as a polygon of (z, y), stretched across x from −half to half: bodies of vehicles.
  ///
  /// - Parameter taper: how much narrower each corner is than `half`, in metres; bodies narrow towards the roof.
  mutating func extrusion(
    _ outline: [SIMD2<Float>], half: Float, taper: [Float], _ surface: UInt32, sides: UInt32? = nil
  ) {
    let right = zip(outline, taper).map { Vector(half - $1, $0.y, $0.x) }
    let left = right.map { Vector(-$0.x, $0.y, $0.z) }
    for index in outline.indices {
      let next = (index + 1) % outline.count
      quad(left[index], left[next], right[next], right[index], surface, texture: Vector(0, 0, Float(index)))
    }
    // The two flanks, as fans about their middle: outlines are star-shaped.
    for flank in [left, right] {
      let middle = flank.reduce(Vector(0, 0, 0), +) / Float(flank.count)
      let facing = Vector(flank[0].x > 0 ? 1 : -1, 0, 0)
      let hub = vertex(middle, facing, Vector(middle.z, middle.y, 9))
      let rim = flank.map {
        vertex($0, normalized(facing + Vector(0, 0.2 * ($0.y - middle.y), 0)), Vector($0.z, $0.y, 9))
      }
      for index in rim.indices { triangle(hub, rim[index], rim[(index + 1) % rim.count], sides ?? surface) }
    }
  }
}
