import Foundation

/// A point or direction: x to the right, y up, z ahead; metres.
typealias Vector = SIMD3<Float>

@inline(__always) func dot(_ a: Vector, _ b: Vector) -> Float { a.x * b.x + a.y * b.y + a.z * b.z }

@inline(__always) func cross(_ a: Vector, _ b: Vector) -> Vector {
  Vector(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}

@inline(__always) func normalized(_ a: Vector) -> Vector { a / max(dot(a, a), 1e-20).squareRoot() }

@inline(__always) func mix(_ a: Vector, _ b: Vector, _ weight: Float) -> Vector { a + (b - a) * weight }

@inline(__always) func mix(_ a: Float, _ b: Float, _ weight: Float) -> Float { a + (b - a) * weight }

/// 0 up to `low`, 1 from `high` on, smooth between.
@inline(__always) func smoothstep(_ low: Float, _ high: Float, _ x: Float) -> Float {
  let t = min(max((x - low) / (high - low), 0), 1)
  return t * t * (3 - 2 * t)
}

/// Where a thing stands and which way it faces: a rotation and a place.
struct Frame {
  var right = Vector(1, 0, 0), up = Vector(0, 1, 0), ahead = Vector(0, 0, 1)
  var origin = Vector(repeating: 0)

  /// The frame at a place, turned about the vertical: a positive heading turns ahead to the right.
  init(_ origin: Vector = Vector(repeating: 0), heading: Float = 0) {
    self.origin = origin
    let (s, c) = (sin(heading), cos(heading))
    right = Vector(c, 0, -s)
    ahead = Vector(s, 0, c)
  }

  init(right: Vector, up: Vector, ahead: Vector, origin: Vector) {
    self.right = right
    self.up = up
    self.ahead = ahead
    self.origin = origin
  }

  @inline(__always) func direction(_ v: Vector) -> Vector { right * v.x + up * v.y + ahead * v.z }

  @inline(__always) func point(_ p: Vector) -> Vector { origin + direction(p) }

  /// A frame given within this one, as seen from outside.
  func callAsFunction(_ inner: Frame) -> Frame {
    Frame(
      right: direction(inner.right), up: direction(inner.up), ahead: direction(inner.ahead),
      origin: point(inner.origin))
  }

  /// Tipped forward about the axis to the right.
  func pitched(_ angle: Float) -> Frame {
    let (s, c) = (sin(angle), cos(angle))
    return Frame(right: right, up: up * c + ahead * s, ahead: ahead * c - up * s, origin: origin)
  }

  /// Tipped to the right about the axis ahead.
  func rolled(_ angle: Float) -> Frame {
    let (s, c) = (sin(angle), cos(angle))
    return Frame(right: right * c - up * s, up: up * c + right * s, ahead: ahead, origin: origin)
  }
}
