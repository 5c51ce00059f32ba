import Foundation
import SegKernels

// What stands on sidewalks. Frames have x along the street, z away from it.
extension Mesh {
  /// A street lamp whose arm reaches over the road (−z).
  mutating func streetLamp(_ asset: RandomSource, lit: Float) {
    var asset = asset
    let height = asset.between(4, 8.5), arm = asset.between(0, 2), radius = asset.between(0.05, 0.1)
    object(.pole) { mesh in
      let metal = mesh.surface(.metal(&asset))
      mesh.bar(Vector(0, -0.2, 0), Vector(0, height, 0), radius, radius * 0.65, metal, sides: 7)
      if arm > 0.4 {
        mesh.bar(Vector(0, height, 0), Vector(0, height + 0.25, -arm), radius * 0.6, radius * 0.5, metal, sides: 5)
      }
      let end = Vector(0, height + (arm > 0.4 ? 0.25 : 0), arm > 0.4 ? -arm : 0)
      mesh.box(end + Vector(-0.12, -0.08, -0.35), end + Vector(0.12, 0.06, 0.2), metal)
      let lamp = mesh.surface(.lamp(Vector(0.9, 0.8, 0.6), glow: 0.1 + 3 * lit))
      if lit > 0 { mesh.light(at: end) }
      mesh.quad(
        end + Vector(-0.1, -0.085, -0.3), end + Vector(0.1, -0.085, -0.3), end + Vector(0.1, -0.085, 0.15),
        end + Vector(-0.1, -0.085, 0.15),
        lamp)
    }
  }

  mutating func bollard(_ asset: RandomSource) {
    var asset = asset
    let height = asset.between(0.6, 1.1), radius = asset.between(0.04, 0.1)
    object(.pole) { mesh in
      mesh.bar(
        Vector(0, -0.1, 0), Vector(0, height, 0), radius, radius, mesh.surface(.metal(&asset)), sides: 7, capped: true)
    }
  }

  /// One or two signs on a post, facing −x or as the frame is turned.
  mutating func signPost(_ asset: RandomSource, _ random: inout RandomSource) {
    var asset = asset
    let height = random.between(2, 3.1)
    object(.pole) { mesh in
      mesh.bar(Vector(0, -0.2, 0), Vector(0, height, 0), 0.035, 0.035, mesh.surface(.metal(&asset)), sides: 6)
    }
    for index in 0..<asset.whole(1...2) {
      trafficSign(Vector(0, height - 0.35 - 0.68 * Float(index), 0), &asset)
    }
  }

  /// A sign's plate before a post at a place, facing −z.
  mutating func trafficSign(_ place: Vector, _ asset: inout RandomSource) {
    let shape = asset.whole(0...4), size = asset.between(0.26, 0.38)
    let red = Vector(0.55, 0.03, 0.03), blue = Vector(0.03, 0.1, 0.45), white = Vector(0.75, 0.75, 0.75)
    let yellow = Vector(0.75, 0.5, 0.04), black = Vector(0.03, 0.03, 0.03)
    let seed = UInt32(asset.whole(0...400))
    object(.trafficSign) { mesh in
      let front = place + Vector(0, 0, -0.05)
      func face(_ color: Vector, _ ink: Vector) -> UInt32 {
        mesh.surface(Material(.sign, color, ink, scale: size, seed: seed, gloss: 0.08))
      }
      switch shape {
      case 0:
        mesh.disc(front, Vector(0, 0, -1), size, face(white, black), sides: 16)
        mesh.ring(front - Vector(0, 0, 0.006), Vector(0, 0, -1), size * 0.78, size, face(red, red))
      case 1: mesh.disc(front, Vector(0, 0, -1), size, face(blue, white), sides: 16)
      case 2:
        let rim = face(red, red), plate = face(white, black)
        let corners = (0..<3).map { corner -> Vector in
          let angle = 2 * Float.pi * Float(corner) / 3 + (seed % 3 == 0 ? .pi / 2 : -.pi / 2)
          return Vector(cos(angle), sin(angle), 0)
        }
        for (reach, surface, ahead) in [(size * 1.2, rim, 0), (size * 0.85, plate, 0.006)] as [(Float, UInt32, Float)] {
          let points = corners.map {
            mesh.vertex(front + $0 * reach - Vector(0, 0, ahead), Vector(0, 0, -1), $0 * reach)
          }
          mesh.triangle(points[0], points[1], points[2], surface)
        }
      case 3:
        let (w, h) = (size * asset.between(0.9, 2), size * asset.between(0.5, 1.1))
        let plate = face(seed % 2 == 0 ? blue : yellow, seed % 2 == 0 ? white : black)
        mesh.quad(
          front + Vector(-w, -h, 0), front + Vector(w, -h, 0), front + Vector(w, h, 0), front + Vector(-w, h, 0), plate,
          texture: Vector(-w, -h, 0))
      default: mesh.disc(front, Vector(0, 0, -1), size, face(red, white), sides: 8)
      }
    }
  }

  /// A post with signals, facing −z; one may hang over the road at the end of an arm along −x.
  ///
  /// - Parameter shown: 0 green, 1 amber, 2 red; nil: whatever chance says.
  mutating func trafficLight(_ asset: RandomSource, _ random: inout RandomSource, arm: Float, shown: Int? = nil) {
    var asset = asset
    let height: Float = arm > 0 ? 5.4 : 3.1
    let drawn = random.whole(0...2), state = shown ?? drawn
    object(.pole) { mesh in
      let metal = mesh.surface(.metal(&asset))
      mesh.bar(Vector(0, -0.2, 0), Vector(0, height, 0), 0.07, 0.06, metal, sides: 7)
      if arm > 0 { mesh.bar(Vector(0, height - 0.1, 0), Vector(-arm, height, 0), 0.06, 0.045, metal, sides: 6) }
    }
    var places = [Vector(0, 2.3, -0.14)]
    if arm > 0 { places.append(Vector(-arm + 0.3, height - 0.75, -0.1)) }
    object(.trafficLight) { mesh in
      let housing = mesh.surface(.rubber(&asset))
      for place in places {
        mesh.box(place + Vector(-0.2, -0.1, -0.12), place + Vector(0.2, 0.98, 0.1), housing, open: false)
        for (lamp, color) in [Vector(0.1, 0.9, 0.4), Vector(0.95, 0.6, 0.1), Vector(0.95, 0.08, 0.05)].enumerated() {
          let on = lamp == state || (state == 1 && lamp == 2 && asset.chance(0.5))
          mesh.disc(
            place + Vector(0, 0.1 + 0.31 * Float(lamp), -0.125), Vector(0, 0, -1), 0.11,
            mesh.surface(.lamp(color * (on ? 1 : 0.12), glow: on ? 1.6 : 0)), sides: 10)
        }
      }
    }
  }

  /// Things that no class names: bins, boxes, benches, columns for posters.
  mutating func clutter(_ asset: RandomSource, _ random: inout RandomSource) {
    var asset = asset
    object(.void) { mesh in
      switch asset.whole(0...4) {
      case 0:
        mesh.bar(
          Vector(0, 0, 0), Vector(0, asset.between(0.8, 1.1), 0), 0.24, 0.28, mesh.surface(.metal(&asset)), sides: 9,
          capped: true)
      case 1:
        let (w, h) = (asset.between(0.25, 0.6), asset.between(0.9, 1.4))
        mesh.box(Vector(-w, 0, -0.2), Vector(w, h, 0.2), mesh.surface(.paint(&asset, gloss: 0.05)))
      case 2:
        let wood = mesh.surface(.boards(&asset)), iron = mesh.surface(.metal(&asset))
        mesh.box(Vector(-0.8, 0.42, -0.2), Vector(0.8, 0.47, 0.2), wood, open: false)
        mesh.box(Vector(-0.8, 0.5, 0.2), Vector(0.8, 0.85, 0.24), wood, open: false)
        for x: Float in [-0.7, 0.65] { mesh.box(Vector(x, 0, -0.18), Vector(x + 0.05, 0.45, 0.2), iron) }
      case 3:
        mesh.bar(
          Vector(0, 0, 0), Vector(0, 2.7, 0), 0.6, 0.6, mesh.surface(.picture(&random, size: 1.8)), sides: 14,
          capped: true)
        mesh.bar(
          Vector(0, 2.7, 0), Vector(0, 2.95, 0), 0.68, 0.5, mesh.surface(.metal(&asset)), sides: 14, capped: true)
      default:
        let bin = mesh.surface(.paint(&asset, gloss: 0.05)), lid = mesh.surface(.paint(&asset, gloss: 0.05))
        mesh.box(Vector(-0.3, 0.05, -0.35), Vector(0.3, 1, 0.35), bin)
        mesh.box(Vector(-0.33, 1, -0.38), Vector(0.33, 1.08, 0.38), lid, open: false)
      }
    }
  }
}
