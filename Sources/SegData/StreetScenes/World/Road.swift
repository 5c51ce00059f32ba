import Foundation
import SegKernels

/// The line that a street follows: it bends and slopes. `s` runs along it, `d` to the right of it; metres.
struct Road {
  private static let first: Float = -30, last: Float = 260, step: Float = 1
  private let places: [Vector]
  private let headings: [Float]

  init(_ random: inout RandomSource) {
    // Two bends with a straight or the other way between them, and a slope that changes once.
    let isStraight = random.chance(0.35)
    let bend = isStraight ? 0 : random.between(-0.009, 0.009), counter = isStraight ? 0 : random.between(-0.012, 0.012)
    let turn = random.between(25, 80)
    let slope = random.between(-0.035, 0.035), later = slope + random.between(-0.035, 0.035)
    let rise = random.between(20, 70)
    func heading(_ s: Float) -> Float { bend * min(s, turn) + counter * min(max(s - turn, 0), 70) }
    var places: [Vector] = [], headings: [Float] = []
    let count = Int((Road.last - Road.first) / Road.step)
    // Walked from s = 0 in both directions, so that the camera stands at the origin.
    func walk(_ direction: Float, _ steps: Int) -> [Vector] {
      var place = Vector(0, 0, 0), result = [place]
      for index in 0..<steps {
        let s = direction * (Float(index) + 0.5) * Road.step
        let h = heading(s)
        place +=
          Vector(sin(h), mix(slope, later, smoothstep(rise - 15, rise + 15, s)), cos(h)) * (direction * Road.step)
        result.append(place)
      }
      return result
    }
    places = walk(-1, Int(-Road.first)).dropFirst().reversed() + walk(1, count + Int(Road.first))
    headings = places.indices.map { heading(Road.first + Float($0) * Road.step) }
    self.places = places
    self.headings = headings
  }

  /// A place on the street, `height` above it.
  func point(_ s: Float, _ d: Float, _ height: Float = 0) -> Vector {
    let (index, part) = position(s), h = mix(headings[index], headings[index + 1], part)
    return mix(places[index], places[index + 1], part) + Vector(cos(h) * d, height, -sin(h) * d)
  }

  /// Where the street leads to: the angle to the right of where it began to.
  func heading(_ s: Float) -> Float {
    let (index, part) = position(s)
    return mix(headings[index], headings[index + 1], part)
  }

  private func position(_ s: Float) -> (index: Int, part: Float) {
    let position = min(max((s - Road.first) / Road.step, 0), Float(places.count - 2)), index = Int(position)
    return (index, position - Float(index))
  }

  /// Stands on the street and looks along it, turned by `heading`.
  func frame(_ s: Float, _ d: Float, heading: Float = 0, height: Float = 0) -> Frame {
    let ahead = normalized(point(s + 0.5, d) - point(s - 0.5, d))
    let level = Frame(heading: atan2(ahead.x, ahead.z) + heading)
    // Things stand upright on a slope but for its pitch.
    var frame = level.pitched(-asin(ahead.y) * cos(heading))
    frame.origin = point(s, d, height)
    return frame
  }

  /// Stands at the side of the street (1 right, −1 left) with the back to it: x along the street, z away from it, level.
  func lot(_ s: Float, _ d: Float, side: Float, height: Float = 0) -> Frame {
    let ahead = point(s + 0.5, d) - point(s - 0.5, d)
    return Frame(point(s, d, height), heading: atan2(ahead.x, ahead.z) + side * .pi / 2)
  }
}

extension Mesh {
  /// A band of ground along a road between two distances from its middle; a step up or down where heights differ.
  mutating func band(
    _ road: Road, _ s: ClosedRange<Float>, from inner: (d: Float, height: Float), to outer: (d: Float, height: Float),
    _ surface: UInt32
  ) {
    let steps = max(Int((s.upperBound - s.lowerBound) / 2.5), 1)
    let across = SIMD2(outer.d - inner.d, outer.height - inner.height)
    let width = (across * across).sum().squareRoot()
    var row: [UInt32] = []
    for index in 0...steps {
      let place = mix(s.lowerBound, s.upperBound, Float(index) / Float(steps))
      let (a, b) = (road.point(place, inner.d, inner.height), road.point(place, outer.d, outer.height))
      let along = road.point(place + 1, inner.d, inner.height) - a
      let normal = normalized(cross(along, b - a)), up = normal.y < -0.01 ? -normal : normal
      let next = [vertex(a, up, Vector(inner.d, place, 0)), vertex(b, up, Vector(inner.d + width, place, 0))]
      if index > 0 {
        triangle(row[0], row[1], next[1], surface)
        triangle(row[0], next[1], next[0], surface)
      }
      row = next
    }
  }
}
