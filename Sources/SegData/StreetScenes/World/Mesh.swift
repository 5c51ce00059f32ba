/// A corner of the world's surface.
struct Vertex {
  var position: Vector
  var normal: Vector
  /// Where the corner lies on its material: metres along the surface, so that patterns keep their size and stay with
  /// their object.
  var texture: Vector
}

/// Three corners and what they are part of.
struct Triangle {
  var a: UInt32, b: UInt32, c: UInt32
  var surface: UInt32
}

/// What all triangles of one material on one object share.
struct Surface {
  var material: Material
  var label: StreetClass
  /// 0 for stuff and for groups too dense to be told apart; else a number of its own.
  var instance: UInt16
}

/// A world of triangles, and the pen that draws it.
///
/// Shapes are drawn in `frame`, with the label and instance of the object that is being built. The order of the
/// triangles follows from the order of the calls alone, so the same street at another moment has the same triangles.
struct Mesh {
  private(set) var vertices: [Vertex] = []
  private(set) var triangles: [Triangle] = []
  private(set) var surfaces: [Surface] = []
  private(set) var instanceCount: UInt16 = 0
  /// Where shapes are drawn.
  var frame = Frame()
  /// Where things are looked at from: the nearer to one of these places, the finer they are drawn.
  var viewpoints = [Vector(0, 0, 0)]
  /// How finely things are drawn wherever they stand; nil: as their distance asks for. What moves must keep its
  /// triangles.
  var steadyFineness: Float?
  /// Lamps that light up their surroundings.
  private(set) var lights: [Vector] = []
  private var label = StreetClass.void
  private var instance: UInt16 = 0
  private var isCrowd = false

  /// Draws within another frame, given in the current one.
  mutating func at(_ inner: Frame, _ body: (inout Mesh) -> Void) {
    let outer = frame
    frame = outer(inner)
    body(&self)
    frame = outer
  }

  /// Draws an object of a class; a thing gets an instance of its own, unless it is one of a crowd.
  mutating func object(_ label: StreetClass, _ body: (inout Mesh) -> Void) {
    let outer = (self.label, instance)
    self.label = label
    if label.isThing && !isCrowd { instanceCount += 1 }
    instance = label.isThing && !isCrowd ? instanceCount : 0
    body(&self)
    (self.label, instance) = outer
  }

  /// Draws things that stand too close to be told apart: none has an instance.
  mutating func crowd(_ body: (inout Mesh) -> Void) {
    let outer = isCrowd
    isCrowd = true
    body(&self)
    isCrowd = outer
  }

  /// How finely a thing at the origin of the frame is drawn, 0.2…1: far from the viewpoints, round things have fewer
  /// sides, and trees fewer and larger leaves.
  var fineness: Float {
    if let steadyFineness { return steadyFineness }
    let distance = viewpoints.reduce(Float.infinity) { min($0, dot(frame.origin - $1, frame.origin - $1)) }
    return Mesh.fineness(distance: distance.squareRoot())
  }

  /// How finely a thing is drawn that is seen from a distance, metres.
  static func fineness(distance: Float) -> Float { min(max(20 / max(distance, 1), 0.2), 1) }

  /// Notes a lamp at a place of the current frame.
  mutating func light(at place: Vector) { lights.append(frame.point(place)) }

  /// As many sides as something round needs at its distance.
  func sides(_ full: Int, least: Int) -> Int { max(Int(Float(full) * max(fineness, 0.45)), min(least, full)) }

  /// A surface for the shapes to come.
  mutating func surface(_ material: Material) -> UInt32 {
    surfaces.append(Surface(material: material, label: label, instance: instance))
    return UInt32(surfaces.count - 1)
  }

  /// Adds a corner given in the current frame.
  mutating func vertex(_ position: Vector, _ normal: Vector, _ texture: Vector) -> UInt32 {
    vertices.append(Vertex(position: frame.point(position), normal: frame.direction(normal), texture: texture))
    return UInt32(vertices.count - 1)
  }

  mutating func triangle(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ surface: UInt32) {
    triangles.append(Triangle(a: a, b: b, c: c, surface: surface))
  }
}
