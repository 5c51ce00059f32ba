import Foundation
import SegKernels

// Vehicles in frames whose z points ahead, the ground at y = 0, the middle at the origin.
extension Mesh {
  /// A wheel between two sides, with a hub on each.
  private mutating func wheel(_ z: Float, radius: Float, half: Float, width: Float, _ tyre: UInt32, _ hub: UInt32) {
    for side: Float in [-1, 1] {
      let outer = Vector(side * half, radius, z), inner = Vector(side * (half - width), radius, z)
      bar(inner, outer, radius, radius, tyre, sides: 12, capped: true)
      disc(outer + Vector(side * 0.012, 0, 0), Vector(side, 0, 0), radius * 0.62, hub, sides: 10)
    }
  }

  /// Lamps at both sides: `z` of their faces, ahead positive.
  private mutating func lamps(
    _ z: Float, y: Float, half: Float, width: Float, height: Float, _ color: Vector, glow: Float
  ) {
    let lamp = surface(.lamp(color, glow: glow))
    for side: Float in [-1, 1] {
      let x = side * (half - width)
      quad(
        Vector(x - width / 2, y, z), Vector(x + width / 2, y, z), Vector(x + width / 2, y + height, z),
        Vector(x - width / 2, y + height, z), lamp)
    }
  }

  /// A passenger car or van.
  ///
  /// - Parameter lit: how bright its lamps are.
  mutating func car(_ asset: RandomSource, _ random: inout RandomSource, lit: Float) {
    var asset = asset
    let isVan = asset.chance(0.14), isTall = asset.chance(0.3)
    let length = isVan ? asset.between(4.6, 5.6) : asset.between(3.6, 4.9)
    let height = isVan ? asset.between(1.9, 2.4) : (isTall ? asset.between(1.58, 1.8) : asset.between(1.38, 1.52))
    let half = isVan ? asset.between(0.92, 1.0) : asset.between(0.83, 0.95)
    let belt = height * asset.between(0.56, 0.64), hood = isVan ? belt : asset.between(0.72, 0.86) * belt / 0.85
    let clearance = asset.between(0.16, 0.26), wheelRadius = asset.between(0.29, 0.36)
    let hoodLength = isVan ? asset.between(0.25, 0.6) : asset.between(0.85, 1.25)
    let trunk = isVan ? 0.04 : (asset.chance(0.5) ? asset.between(0.05, 0.25) : asset.between(0.55, 0.9))
    let rake = asset.between(0.45, 0.85)
    let front = length / 2, rear = -length / 2
    let paint = Material.paint(&random, gloss: random.between(0.2, 0.45))
    let hasSideWindows = !isVan || asset.chance(0.4)
    object(.car) { mesh in
      let body = mesh.surface(paint), glass = mesh.surface(.glass(&random, pane: asset.between(0.9, 1.3)))
      let dark = mesh.surface(.rubber(&random)), hub = mesh.surface(.metal(&random))
      // The lower body, from the rear bumper over the trunk, the belt and the hood to the front bumper.
      let sill = clearance, nose = min(hood, belt - 0.02)
      let lower: [SIMD2<Float>] = [
        [rear + 0.12, sill], [rear, sill + 0.18], [rear + 0.02, belt - 0.1], [rear + 0.1, belt],
        [front - hoodLength, belt], [front - 0.12, nose - 0.06], [front, nose - 0.2], [front - 0.02, sill + 0.15],
        [front - 0.18, sill],
      ]
      mesh.extrusion(lower, half: half, taper: [0.1, 0.04, 0.02, 0.05, 0.05, 0.12, 0.14, 0.06, 0.12], body)
      // The cabin: glass all around under a painted roof.
      let top = height - 0.05
      let cabin: [SIMD2<Float>] = [
        [rear + trunk + 0.02, belt - 0.02], [rear + trunk + rake * (isVan || trunk < 0.3 ? 0.3 : 0.75), top],
        [front - hoodLength - rake, top], [front - hoodLength + 0.08, belt - 0.02],
      ]
      mesh.extrusion(
        cabin, half: half - 0.04, taper: [0.02, 0.17, 0.17, 0.02], glass, sides: hasSideWindows ? glass : body)
      let (back, fore) = (cabin[1].x, cabin[2].x)
      mesh.extrusion(
        [[back - 0.08, top - 0.03], [back + 0.02, height], [fore - 0.02, height], [fore + 0.1, top - 0.03]],
        half: half - 0.17, taper: [0, 0.06, 0.06, 0], body)
      // Pillars, from the belt to the roof.
      let middle = (cabin[0].x + cabin[3].x) / 2 + random.between(-0.2, 0.2)
      for side: Float in [-1, 1] {
        let low = side * (half - 0.05), high = side * (half - 0.2)
        for (z0, z1) in [(cabin[0].x, back), (middle, (back + fore) / 2), (cabin[3].x, fore)] {
          mesh.bar(Vector(low, belt - 0.03, z0), Vector(high, top, z1), 0.045, 0.04, body, sides: 4)
        }
        // Mirrors.
        let mirror = Vector(side * (half + 0.09), belt + 0.06, front - hoodLength - 0.18)
        mesh.ellipsoid(mirror, Vector(0.1, 0.075, 0.06), random.chance(0.5) ? body : dark, sides: 6)
      }
      // Wheel arches, wheels, bumpers' dark strips, the shade below.
      for z in [front - 0.78, rear + 0.75] {
        mesh.wheel(z, radius: wheelRadius, half: half - 0.01, width: 0.2, dark, hub)
        for side: Float in [-1, 1] {
          mesh.disc(
            Vector(side * (half - 0.03), wheelRadius, z), Vector(side, 0, 0), wheelRadius + 0.055, dark, sides: 14)
        }
      }
      mesh.box(
        Vector(-half + 0.1, sill - 0.03, rear + 0.2), Vector(half - 0.1, sill + 0.05, front - 0.2), dark, open: false)
      mesh.box(
        Vector(-half + 0.08, sill + 0.05, rear - 0.015), Vector(half - 0.08, sill + 0.16, rear + 0.1), dark, open: false
      )
      mesh.lamps(
        rear - 0.006, y: belt - 0.32, half: half, width: asset.between(0.16, 0.3), height: asset.between(0.12, 0.3),
        Vector(0.75, 0.04, 0.03), glow: 0.08 + lit)
      mesh.lamps(
        front + 0.012, y: nose - 0.24, half: half - 0.04, width: asset.between(0.2, 0.36), height: 0.13,
        Vector(0.9, 0.9, 0.85),
        glow: 0.1 + 2.2 * lit)
      let plate = mesh.surface(
        Material(.sign, Vector(0.75, 0.75, 0.72), Vector(0.05, 0.05, 0.06), scale: 0.26, seed: 3))
      for (z, y) in [(rear - 0.022, sill + 0.28), (front + 0.02, sill + 0.12)] {
        mesh.quad(Vector(-0.26, y, z), Vector(0.26, y, z), Vector(0.26, y + 0.12, z), Vector(-0.26, y + 0.12, z), plate)
      }
      let grille = mesh.surface(.rubber(&random))
      mesh.quad(
        Vector(-half * 0.55, nose - 0.36, front + 0.008), Vector(half * 0.55, nose - 0.36, front + 0.008),
        Vector(half * 0.55, nose - 0.24, front + 0.008), Vector(-half * 0.55, nose - 0.24, front + 0.008), grille)
    }
  }

  /// A long vehicle's box with a band of windows, from `rear` to `front`.
  private mutating func coach(
    _ rear: Float, _ front: Float, half: Float, floor: Float, height: Float, windows: ClosedRange<Float>,
    _ body: UInt32,
    _ glass: UInt32
  ) {
    let slope: Float = 0.18
    extrusion(
      [
        [rear, floor], [rear + 0.03, height - 0.12], [rear + 0.2, height], [front - 0.35, height],
        [front - slope * 0.6, height - 0.25], [front, floor + 0.5], [front - 0.05, floor],
      ],
      half: half, taper: [0, 0.02, 0.1, 0.1, 0.03, 0, 0.02], body)
    for side: Float in [-1, 1] {
      let x = side * (half + 0.008)
      quad(
        Vector(x, windows.lowerBound, rear + 0.3), Vector(x, windows.lowerBound, front - 0.4),
        Vector(x - side * 0.02, windows.upperBound, front - 0.5),
        Vector(x - side * 0.02, windows.upperBound, rear + 0.35), glass)
    }
    let inset = half * 0.9
    quad(
      Vector(-inset, windows.lowerBound - 0.15, front - 0.03), Vector(inset, windows.lowerBound - 0.15, front - 0.03),
      Vector(inset, windows.upperBound + 0.15, front - slope), Vector(-inset, windows.upperBound + 0.15, front - slope),
      glass)
    quad(
      Vector(-inset, windows.lowerBound + 0.2, rear - 0.008), Vector(inset, windows.lowerBound + 0.2, rear - 0.008),
      Vector(inset, windows.upperBound, rear - 0.008), Vector(-inset, windows.upperBound, rear - 0.008), glass)
  }

  mutating func bus(_ asset: RandomSource, _ random: inout RandomSource, lit: Float) {
    var asset = asset
    let length = asset.between(9.5, 12.5), height = asset.between(2.8, 3.2)
    object(.bus) { mesh in
      let body = mesh.surface(.paint(&asset)), glass = mesh.surface(.glass(&asset, pane: asset.between(1.2, 1.7)))
      let dark = mesh.surface(.rubber(&random)), hub = mesh.surface(.metal(&asset))
      let (rear, front) = (-length / 2, length / 2)
      mesh.coach(rear, front, half: 1.24, floor: 0.3, height: height, windows: 1.15...(height - 0.55), body, glass)
      for z in [front - 2.6, rear + 2.2] { mesh.wheel(z, radius: 0.48, half: 1.26, width: 0.28, dark, hub) }
      let board = mesh.surface(.lamp(Vector(0.9, 0.55, 0.1), glow: 0.25 + lit))
      mesh.quad(
        Vector(-0.8, height - 0.33, front - 0.1), Vector(0.8, height - 0.33, front - 0.1),
        Vector(0.8, height - 0.13, front - 0.13),
        Vector(-0.8, height - 0.13, front - 0.13), board)
      if asset.chance(0.5) {
        let advert = mesh.surface(.picture(&random, size: 1.6))
        for side: Float in [-1, 1] {
          let x = side * 1.252
          mesh.quad(Vector(x, 0.5, -2), Vector(x, 0.5, 1.5), Vector(x, 1.12, 1.5), Vector(x, 1.12, -2), advert)
        }
      }
      mesh.lamps(rear - 0.02, y: 0.8, half: 1.2, width: 0.2, height: 0.4, Vector(0.75, 0.04, 0.03), glow: 0.08 + lit)
      mesh.lamps(
        front + 0.01, y: 0.6, half: 1.15, width: 0.35, height: 0.2, Vector(0.9, 0.9, 0.85), glow: 0.1 + 2 * lit)
    }
  }

  mutating func truck(_ asset: RandomSource, _ random: inout RandomSource, lit: Float) {
    var asset = asset
    let length = asset.between(5.8, 10), height = asset.between(2.6, 3.8), cab = asset.between(1.7, 2.1)
    let kind = asset.whole(0...2)
    object(.truck) { mesh in
      let paint = mesh.surface(.paint(&asset)), glass = mesh.surface(.glass(&asset, pane: 1.1))
      let dark = mesh.surface(.rubber(&random)), hub = mesh.surface(.metal(&asset))
      let (rear, front) = (-length / 2, length / 2)
      mesh.coach(
        front - cab, front, half: 1.1, floor: 0.45, height: min(height, 2.7), windows: 1.45...2.2, paint, glass)
      mesh.box(Vector(-0.5, 0.5, rear), Vector(0.5, 0.85, front - 0.4), dark, open: false)
      // Boards, sheet metal or a canvas cover: what sheds, vans and awnings are made of too.
      let load = mesh.surface(kind == 0 ? .paint(&asset, gloss: 0.12) : (kind == 1 ? .boards(&asset) : .cloth(&asset)))
      if kind == 1 && asset.chance(0.6) {
        mesh.box(Vector(-1.2, 0.85, rear), Vector(1.2, 1.0, front - cab - 0.15), load, open: false)
        for side: Float in [-1.2, 1.15] {
          mesh.box(Vector(side, 1, rear), Vector(side + 0.05, 1.55, front - cab - 0.2), load)
        }
        mesh.box(Vector(-1.2, 1, rear), Vector(1.2, 1.55, rear + 0.05), load)
      } else {
        mesh.box(Vector(-1.22, 0.8, rear), Vector(1.22, height, front - cab - 0.12), load, open: false)
        if asset.chance(0.4) {
          let picture = mesh.surface(.picture(&asset, size: 2))
          for x: Float in [-1.228, 1.228] {
            mesh.quad(
              Vector(x, 1.2, rear + 0.6), Vector(x, 1.2, front - cab - 0.8), Vector(x, height - 0.5, front - cab - 0.8),
              Vector(x, height - 0.5, rear + 0.6), picture)
          }
        }
      }
      for z in [front - 1, rear + 1.1] + (length > 8 ? [rear + 2.1] : []) {
        mesh.wheel(z, radius: 0.47, half: 1.16, width: 0.3, dark, hub)
      }
      mesh.lamps(rear - 0.02, y: 0.6, half: 1.1, width: 0.3, height: 0.15, Vector(0.75, 0.04, 0.03), glow: 0.08 + lit)
      mesh.lamps(
        front + 0.01, y: 0.65, half: 1.05, width: 0.3, height: 0.18, Vector(0.9, 0.9, 0.85), glow: 0.1 + 2 * lit)
    }
  }

  /// A tram of a few coaches.
  mutating func train(_ asset: RandomSource, _ random: inout RandomSource, lit: Float) {
    var asset = asset
    let coaches = asset.whole(2...3), length = asset.between(8, 11), height = asset.between(3.1, 3.5)
    object(.train) { mesh in
      let body = mesh.surface(.paint(&asset)), trim = mesh.surface(.paint(&asset))
      let glass = mesh.surface(.glass(&asset, pane: asset.between(1.3, 2)))
      let dark = mesh.surface(.rubber(&random))
      for coach in 0..<coaches {
        let rear = (Float(coach) - Float(coaches) / 2) * (length + 0.6)
        mesh.coach(
          rear, rear + length, half: 1.22, floor: 0.35, height: height, windows: 1.3...(height - 0.7), body, glass)
        mesh.box(Vector(-1.23, 0.5, rear + 0.1), Vector(1.23, 0.85, rear + length - 0.15), trim, open: false)
        mesh.box(Vector(-0.9, 0.05, rear + 0.8), Vector(0.9, 0.5, rear + length - 0.8), dark, open: false)
        mesh.box(Vector(-1, 0.5, rear + length - 0.1), Vector(1, height - 0.3, rear + length + 0.65), dark, open: false)
        mesh.box(Vector(-0.7, height, rear + 2), Vector(0.7, height + 0.3, rear + length - 3), dark)
      }
      let end = Float(coaches) / 2 * (length + 0.6) - 0.6
      mesh.lamps(end + 0.05, y: 0.7, half: 1.1, width: 0.28, height: 0.18, Vector(0.9, 0.9, 0.85), glow: 0.15 + 2 * lit)
    }
  }

  /// The hood of the car that carries the camera, in a frame at the camera; it belongs to no class.
  mutating func bonnet(width: Float, drop: Float, reach: Float, _ random: inout RandomSource) {
    object(.void) { mesh in
      let paint = mesh.surface(.paint(&random, gloss: 0.5))
      let columns = 12, rows = 5
      var grid: [UInt32] = []
      for row in 0...rows {
        let v = Float(row) / Float(rows)
        for column in 0...columns {
          let u = Float(column) / Float(columns) * 2 - 1
          let x = u * width * (1 - 0.14 * v)
          let y = -drop - 0.1 * v * v - 0.12 * u * u * u * u - (row == rows ? 0.4 : 0)
          grid.append(
            mesh.vertex(
              Vector(x, y, 0.3 + reach * v * (1 - 0.1 * u * u)), normalized(Vector(0.3 * u * u * u, 1, 0.25 * v)),
              Vector(x, v, 0)))
        }
      }
      for row in 0..<rows {
        for column in 0..<columns {
          let a = row * (columns + 1) + column
          mesh.triangle(grid[a], grid[a + 1], grid[a + columns + 2], paint)
          mesh.triangle(grid[a], grid[a + columns + 2], grid[a + columns + 1], paint)
        }
      }
    }
  }
}
