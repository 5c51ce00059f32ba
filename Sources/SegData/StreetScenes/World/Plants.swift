import Foundation
import SegKernels

extension Mesh {
  /// Leaves on an ellipsoid: many small triangles about its surface, so that its outline is ragged and has holes.
  mutating func leaves(
    _ center: Vector, _ radii: Vector, count: Int, size: Float, _ surface: UInt32, _ random: inout RandomSource
  ) {
    for _ in 0..<count {
      let z = random.between(-1, 1), angle = random.between(0, 2 * .pi), flat = max(1 - z * z, 0).squareRoot()
      let out = Vector(flat * cos(angle), z, flat * sin(angle))
      let place = center + out * radii * random.between(0.7, 1.08)
      func corner() -> Vector {
        place + Vector(random.between(-1, 1), random.between(-1, 1), random.between(-1, 1)) * size
      }
      // Light as on the crown as a whole, with a little of each leaf's own.
      let normal = normalized(
        out + Vector(random.between(-1, 1), random.between(-0.6, 1.2), random.between(-1, 1)) * 0.6)
      let corners = [corner(), corner(), corner()].map { vertex($0, normal, $0) }
      triangle(corners[0], corners[1], corners[2], surface)
    }
  }

  /// A tree at the origin of the frame.
  mutating func tree(_ asset: RandomSource, _ random: inout RandomSource) {
    var asset = asset
    let detail = fineness
    let bark = Material.bark(&asset), foliage = Material.foliage(&asset)
    let height = asset.between(4, 11) * random.between(0.85, 1.15), trunk = height * asset.between(0.2, 0.42)
    let isConical = asset.chance(0.2), spread = asset.between(0.28, 0.5), thickness = asset.between(0.09, 0.26)
    let fullness = asset.between(0.7, 1.3)
    object(.vegetation) { mesh in
      let wood = mesh.surface(bark), leaf = mesh.surface(foliage)
      var dark = foliage
      dark.color *= 0.55
      dark.second *= 0.6
      let shade = mesh.surface(dark)
      let lean = Vector(random.between(-0.3, 0.3), 0, random.between(-0.3, 0.3))
      let fork = Vector(0, trunk, 0) + lean
      mesh.bar(Vector(0, -0.3, 0), fork, thickness, thickness * 0.75, wood, sides: 7)
      let crown = height - trunk
      let clumps = isConical ? 5 : random.whole(4...7)
      for index in 0..<clumps {
        let level = (Float(index) + 0.5) / Float(clumps)
        let radius: Float
        let place: Vector
        if isConical {
          radius = crown * 0.32 * (1.15 - level)
          place = fork + Vector(0, crown * level, 0)
        } else {
          radius = crown * spread * random.between(0.5, 0.85)
          let angle = Float(index) * 2.4 + random.between(0, 1), reach = crown * spread * 0.65
          place = fork + Vector(cos(angle) * reach, crown * mix(0.15, 0.8, level), sin(angle) * reach)
          mesh.bar(fork - Vector(0, 0.3, 0), place, thickness * 0.5, thickness * 0.12, wood, sides: 4)
        }
        let radii = Vector(radius, radius * (isConical ? 0.9 : 0.8), radius)
        mesh.ellipsoid(place, radii * 0.56, shade, sides: 8)
        let count = Int(130 * fullness * detail)
        mesh.leaves(
          place, radii, count: count, size: max(0.1 * radius + 0.09, 0.14) / detail.squareRoot(), leaf, &random)
      }
    }
  }

  /// A hedge along x, or a single bush.
  mutating func hedge(length: Float, height: Float, depth: Float, _ asset: RandomSource, _ random: inout RandomSource) {
    var asset = asset
    let foliage = Material.foliage(&asset), detail = fineness
    object(.vegetation) { mesh in
      let leaf = mesh.surface(foliage)
      var dark = foliage
      dark.color *= 0.6
      let shade = mesh.surface(dark)
      let pieces = max(Int(length / 1.2), 1)
      for index in 0..<pieces {
        let x = (Float(index) + 0.5) / Float(pieces) * length - length / 2
        let radii = Vector(length / Float(pieces) * 0.62, height * random.between(0.46, 0.56), depth / 2)
        let place = Vector(x, radii.y * 0.9, depth / 2)
        mesh.ellipsoid(place, radii * 0.85, shade, sides: 6)
        mesh.leaves(
          place, radii, count: Int(60 * detail), size: (0.1 + 0.04 * height) / detail.squareRoot(), leaf, &random)
      }
    }
  }
}
