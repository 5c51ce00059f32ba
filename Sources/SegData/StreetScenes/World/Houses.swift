import Foundation
import SegKernels

// Buildings and what encloses lots. Frames have x along the street, z away from it, and the ground at y = 0.
extension Mesh {
  /// A house of a width, its front at z = 0.
  mutating func house(width: Float, depth: Float, height: Float, _ asset: RandomSource, _ random: inout RandomSource) {
    var asset = asset
    var front = Material.facade(&asset)
    let trim = Material.plaster(&asset), roofing = Material.masonry(&asset)
    let hasGable = asset.chance(0.45), roofHeight = asset.between(1.5, 4.5)
    let hasBalconies = asset.chance(0.35), hasBays = asset.chance(0.2)
    let plinthHeight = asset.between(0.3, 0.9)
    let plinthMaterial = asset.chance(0.5) ? Material.paving(&asset) : Material.wall(&asset)
    // A whole number of bays and floors.
    front.bays.y = width / max((width / front.bays.y).rounded(), 1)
    let floors = max((height / front.bays.x).rounded(), 1), top = floors * front.bays.x
    let half = width / 2
    object(.building) { mesh in
      let walls = mesh.surface(front), edges = mesh.surface(trim)
      mesh.box(Vector(-half, -2.5, 0), Vector(half, top, depth), walls)
      let plinth = mesh.surface(plinthMaterial)
      mesh.box(Vector(-half - 0.03, -2, -0.05), Vector(half + 0.03, plinthHeight, 0.4), plinth)
      mesh.box(Vector(-half - 0.12, top - 0.25, -0.25), Vector(half + 0.12, top + 0.15, depth), edges)
      if hasGable {
        let tiles = mesh.surface(roofing)
        let ridge = top + 0.15 + roofHeight
        let (a, b) = (Vector(-half, top + 0.15, -0.25), Vector(half, top + 0.15, -0.25))
        let (c, d) = (Vector(half, ridge, depth / 2), Vector(-half, ridge, depth / 2))
        mesh.quad(a, b, c, d, tiles)
        mesh.quad(Vector(half, top, depth), Vector(-half, top, depth), d, c, tiles)
        mesh.quad(Vector(-half, top, depth), a, d, d, walls)
        mesh.quad(b, Vector(half, top, depth), c, c, walls)
        if random.chance(0.6) {
          let x = random.between(-half, half - 1)
          mesh.box(Vector(x, top, depth * 0.35), Vector(x + 0.7, ridge + 0.8, depth * 0.35 + 0.7), mesh.surface(trim))
        }
      }
      let bays = Int((width / front.bays.y).rounded())
      if hasBalconies || hasBays {
        let rail = mesh.surface(.metal(&asset))
        for floor in 1..<max(Int(floors), 2) {
          for bay in 0..<bays where bay % 2 == (hasBays ? 1 : 0) && floor < Int(floors) {
            let x = -half + (Float(bay) + 0.08) * front.bays.y, w = front.bays.y * 0.84
            let y = Float(floor) * front.bays.x
            if hasBays {
              mesh.box(Vector(x, y + 0.2, -0.7), Vector(x + w, y + front.bays.x, 0), walls, open: false)
            } else {
              mesh.box(Vector(x, y, -1), Vector(x + w, y + 0.14, 0), edges, open: false)
              mesh.box(Vector(x, y + 0.95, -1), Vector(x + w, y + 1.0, -0.95), rail)
              let spacing = 0.16 / max(mesh.fineness, 0.4)
              for post in 0..<Int(w / spacing) {
                let at = x + Float(post) * spacing
                mesh.quad(
                  Vector(at, y, -0.98), Vector(at + 0.03, y, -0.98), Vector(at + 0.03, y + 1, -0.98),
                  Vector(at, y + 1, -0.98),
                  rail)
              }
            }
          }
        }
      }
      if random.chance(0.45) {
        // Awnings over shop windows, in cloth.
        let awning = mesh.surface(.cloth(&random))
        let x = random.between(-half, half - min(width, 3)), w = random.between(2, min(width, 6)),
          y = random.between(2.4, 2.9)
        mesh.quad(
          Vector(x, y, -1.3), Vector(min(x + w, half), y, -1.3), Vector(min(x + w, half), y + 0.6, 0),
          Vector(x, y + 0.6, 0),
          awning)
      }
      for _ in 0..<random.whole(0...2) {
        let w = random.between(0.6, 2.6), h = w * random.between(0.5, 1.5)
        let x = random.between(-half, half - w),
          y = random.chance(0.7) ? random.between(0.7, 1.3) : random.between(3, 5)
        let poster = mesh.surface(.picture(&random, size: max(w, h)))
        mesh.quad(
          Vector(x, y, -0.04), Vector(x + w, y, -0.04), Vector(x + w, min(y + h, top), -0.04),
          Vector(x, min(y + h, top), -0.04),
          poster)
      }
      if random.chance(0.4) {
        let pipe = mesh.surface(.metal(&random)), x = random.between(-half, half)
        mesh.bar(Vector(x, 0, -0.1), Vector(x, top, -0.1), 0.06, 0.06, pipe, sides: 5)
      }
    }
    if random.chance(0.35) {
      // A board that stands out from the front: building by its place, a sign by its look.
      object(.building) { mesh in
        let board = mesh.surface(.picture(&random, size: 0.9)), x = random.between(-half, half)
        mesh.box(Vector(x, 3, -1.1), Vector(x + 0.1, 3.9, -0.2), board, open: false)
      }
    }
  }

  /// A free-standing wall along x.
  mutating func wall(length: Float, height: Float, _ asset: RandomSource, _ random: inout RandomSource) {
    var asset = asset
    let material = Material.wall(&asset), cap = Material.plaster(&asset)
    object(.wall) { mesh in
      let half = length / 2
      mesh.box(Vector(-half, -1.5, 0), Vector(half, height, 0.3), mesh.surface(material))
      mesh.box(Vector(-half, height, -0.05), Vector(half, height + 0.09, 0.35), mesh.surface(cap))
      for _ in 0..<random.whole(0...2) {
        let w = min(random.between(0.7, 3), length * 0.8), h = min(random.between(0.5, 1.6), height * 0.8)
        let x = random.between(-half, half - w), y = random.between(0.1, max(height - h, 0.11))
        let picture = mesh.surface(.picture(&random, size: w))
        mesh.quad(
          Vector(x, y, -0.03), Vector(x + w, y, -0.03), Vector(x + w, y + h, -0.03), Vector(x, y + h, -0.03), picture)
      }
    }
  }

  /// A fence along x: railings, pickets, boards or wire between posts.
  mutating func fence(length: Float, height: Float, _ asset: RandomSource) {
    var asset = asset
    let kind = [0, 1, 1, 2, 2, 3][asset.whole(0...5)]
    let material = kind == 2 ? Material.wall(&asset) : (kind == 1 ? Material.boards(&asset) : Material.metal(&asset))
    let gap = asset.between(0.1, 0.2)
    object(.fence) { mesh in
      let half = length / 2, stuff = mesh.surface(material)
      var x = -half
      while x <= half {
        mesh.box(Vector(x - 0.05, -0.5, -0.05), Vector(x + 0.05, height + 0.08, 0.05), stuff)
        x += 2.2
      }
      for y in [0.15, height * 0.9] {
        mesh.box(Vector(-half, y, -0.02), Vector(half, y + 0.06, 0.03), stuff)
      }
      switch kind {
      case 2: mesh.box(Vector(-half, 0.05, -0.03), Vector(half, height, 0.03), stuff)
      case 3:
        for line in 1..<7 {
          let y = height * Float(line) / 7
          mesh.quad(
            Vector(-half, y, 0), Vector(half, y, 0), Vector(half, y + 0.02, 0), Vector(-half, y + 0.02, 0), stuff)
        }
        fallthrough
      default:
        let width: Float = kind == 1 ? gap * 0.75 : (kind == 0 ? 0.04 : 0.02)
        var x = -half
        while x < half {
          mesh.quad(
            Vector(x, 0.05, 0), Vector(x + width, 0.05, 0), Vector(x + width, height, 0), Vector(x, height, 0), stuff)
          x += gap
        }
      }
    }
  }
}
