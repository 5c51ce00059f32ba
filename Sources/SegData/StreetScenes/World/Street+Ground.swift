import Foundation
import SegKernels

extension StreetPlan {
  /// Roadway, kerbs, sidewalks, verges, yards, and what is painted on the road.
  func drawGround(_ mesh: inout Mesh, _ assets: Assets, _ seed: RandomSource) {
    var random = seed
    let wetness: Float = random.chance(0.3) ? random.between(0.1, 0.45) : 0
    var paving = assets.draw("paving", &random), lane = assets.draw("asphalt", &random)
    var cobbles = Material.paving(&paving, wetness: wetness)
    cobbles.scale = min(cobbles.scale, random.between(0.1, 0.2))
    let roadway = random.chance(0.85) ? Material.asphalt(&lane, wetness: wetness) : cobbles
    let whole = length
    mesh.object(.road) { mesh in
      let surface = mesh.surface(roadway)
      mesh.band(road, whole, from: (-kerb(1), 0), to: (0, 0.03), surface)
      mesh.band(road, whole, from: (0, 0.03), to: (kerb(0), 0), surface)
      if sides[0].hasParking, random.chance(0.4) {
        // Parking lanes often have stones of their own.
        let stones = mesh.surface(.paving(&paving, wetness: wetness))
        mesh.band(road, whole, from: (half, 0.012), to: (kerb(0), 0.012), stones)
      }
      drawMarkings(&mesh, &random)
    }
    for side in 0..<2 { drawSide(&mesh, side, wetness, assets, &random) }
    if let crossing { drawCrossing(&mesh, crossing, roadway, assets, &random) }
  }

  private func drawSide(
    _ mesh: inout Mesh, _ side: Int, _ wetness: Float, _ assets: Assets, _ random: inout RandomSource
  ) {
    let sign = StreetPlan.sign(side), measures = sides[side], top = measures.kerb
    var stones = assets.draw("paving", &random), tar = assets.draw("asphalt", &random),
      lawn = assets.draw("grass", &random)
    let paved =
      random.chance(0.68) ? Material.paving(&stones, wetness: wetness) : Material.asphalt(&tar, wetness: wetness)
    let curb = Material.plaster(&stones), grass = Material.grass(&lawn)
    let yardIsGreen = random.chance(0.3)
    let hasStrip = random.chance(0.3)
    for s in stretches(side) {
      mesh.object(.sidewalk) { mesh in
        let stone = mesh.surface(curb), ground = mesh.surface(paved)
        let k = kerb(side) * sign
        mesh.band(road, s, from: (k, 0), to: (k + 0.01 * sign, top), stone)
        mesh.band(road, s, from: (k + 0.01 * sign, top), to: (k + 0.16 * sign, top), stone)
        mesh.band(road, s, from: (k + 0.16 * sign, top), to: (lots(side) * sign, top + 0.04), ground)
        if measures.verge > 0 {
          mesh.object(.terrain) { mesh in
            mesh.band(
              road, s, from: (k + 0.2 * sign, top + 0.012), to: (walk(side) * sign, top + 0.05), mesh.surface(grass))
          }
        } else if hasStrip {
          // A cycle track: red or grey stones, still sidewalk.
          let track = mesh.surface(.paving(&stones))
          mesh.band(road, s, from: (k + 0.5 * sign, top + 0.014), to: (k + 1.6 * sign, top + 0.02), track)
        }
      }
      mesh.object(yardIsGreen ? .terrain : .sidewalk) { mesh in
        mesh.band(
          road, s, from: (lots(side) * sign, top + 0.03), to: ((lots(side) + 45) * sign, top + 0.03),
          mesh.surface(yardIsGreen ? grass : paved))
      }
    }
  }

  private func drawMarkings(_ mesh: inout Mesh, _ random: inout RandomSource) {
    let tone = random.between(0.45, 0.7)
    let white = mesh.surface(Material(.plaster, Vector(repeating: tone), Vector(repeating: tone * 0.55), seed: 12))
    func line(_ s: ClosedRange<Float>, _ d: Float, _ width: Float = 0.13) {
      mesh.band(road, s, from: (d - width / 2, 0.036), to: (d + width / 2, 0.036), white)
    }
    func dashes(_ d: Float, _ length: Float, _ gap: Float) {
      for index in 0..<Int((100 + travel) / (length + gap)) {
        let s = Float(index) * (length + gap) - 2
        line(s...(s + length), d)
      }
    }
    if hasTracks {
      let rail = mesh.surface(.metal(&random))
      for track: Float in [-1.55, 1.55] {
        for side: Float in [-0.72, 0.72] {
          let d = track + side
          mesh.band(road, length, from: (d - 0.035, 0.035), to: (d + 0.035, 0.035), rail)
        }
      }
    } else if random.chance(0.75) {
      if random.chance(0.3) {
        line(length, 0)
      } else {
        dashes(0, random.between(2, 4), random.between(3, 7))
      }
    }
    for side in 0..<2 {
      let sign = StreetPlan.sign(side)
      if lanes == 2 { dashes(sign * (half - laneWidth), 3, 6) }
      if sides[side].hasParking, random.chance(0.5) { line(length, sign * half, 0.1) }
    }
    guard let crossing, random.chance(0.75) else { return }
    // A zebra crossing and a line to stop at before the other street.
    let near = crossing.s - crossing.half - 4
    for stripe in 0..<Int(2 * half / 1) {
      let d = -half + 0.5 + Float(stripe)
      mesh.band(road, near...(near + 3), from: (d - 0.25, 0.037), to: (d + 0.25, 0.037), white)
    }
    mesh.band(road, (near - 1.3)...(near - 0.9), from: (0.2, 0.037), to: (half - 0.1, 0.037), white)
  }

  private func drawCrossing(
    _ mesh: inout Mesh, _ crossing: (s: Float, half: Float, opens: [Bool]), _ roadway: Material, _ assets: Assets,
    _ random: inout RandomSource
  ) {
    for side in 0..<2 where crossing.opens[side] {
      let from = kerb(side), height = sides[side].kerb
      mesh.at(road.lot(crossing.s, from * StreetPlan.sign(side), side: StreetPlan.sign(side))) { mesh in
        let w = crossing.half, far: Float = 90
        mesh.object(.road) { mesh in
          mesh.quad(
            Vector(-w, 0.01, -0.3), Vector(w, 0.01, -0.3), Vector(w, 0.01, far), Vector(-w, 0.01, far),
            mesh.surface(roadway))
        }
        var stones = assets.draw("paving", &random)
        let paved = Material.paving(&stones)
        mesh.object(.sidewalk) { mesh in
          let surface = mesh.surface(paved)
          for edge: Float in [-1, 1] {
            let (low, high) = (min(edge * w, edge * (w + 2.4)), max(edge * w, edge * (w + 2.4)))
            mesh.box(Vector(low, -0.2, 0.2), Vector(high, height, far), surface)
          }
        }
        for edge: Float in [-1, 1] {
          // Houses along the other street, behind the corner lots.
          for index in 0..<5 where random.chance(0.85) {
            let z = 17 + Float(index) * 14, x = edge * (w + 2.4)
            mesh.at(Frame(Vector(x, 0, z), heading: edge * .pi / 2)) {
              $0.house(
                width: random.between(9, 13.5), depth: 9, height: random.between(6, 15), assets.draw("house", &random),
                &random)
            }
          }
        }
      }
    }
  }
}
