import Foundation
import SegKernels

extension StreetPlan {
  /// Everyone on foot: along both sidewalks, and across the street while the camera's car stops for them.
  func walkers(_ drive: Drive, _ assets: Assets, _ seed: RandomSource) -> [Mover] {
    var movers = (0..<2).flatMap { side in
      var random = seed.stream(2 + side)
      return alongSidewalk(side, drive, assets, &random)
    }
    var random = seed.stream(5)
    guard let crossing else { return movers }
    // The walkers' crossing lies before the other street.
    let middle = crossing.s - crossing.half - 2.5
    if drive.event == .stopping {
      for _ in 0..<random.whole(2...6) {
        let d = random.between(-half - 1, half + 1), toRight = random.chance(0.5), s = middle + random.between(-1, 1)
        movers.append(across(s, d, toRight ? 1 : -1, speed: random.between(1.1, 1.6), assets, &random))
      }
    } else {
      for side in 0..<2 where random.chance(0.5) {
        let s = middle + random.between(-1, 1), d = StreetPlan.sign(side) * (kerb(side) + 0.5)
        movers.append(
          bystander(at: road.frame(s, d, heading: d > 0 ? -.pi / 2 : .pi / 2, height: sides[side].kerb), assets, &random)
        )
      }
    }
    return movers
  }

  private func alongSidewalk(
    _ side: Int, _ drive: Drive, _ assets: Assets, _ random: inout RandomSource
  ) -> [Mover] {
    let busy = random.pick([2, 4, 7, 12] as [Float]), sign = StreetPlan.sign(side), height = sides[side].kerb
    // Between what stands at the kerb and what leans on the houses.
    let inner = walk(side) + (sides[side].verge > 0 ? 0.4 : 1.1), outer = max(lots(side) - 1, inner + 0.1)
    var movers: [Mover] = [], s = random.between(4, 10)
    while s < 85 + travel {
      let size = random.chance(0.08) ? random.whole(6...10) : (random.chance(0.35) ? random.whole(2...4) : 1)
      let isAhead = random.chance(0.5), speed = random.between(1, 1.6) * (isAhead ? 1 : -1)
      // Those who come keep to one half of the walk, those who go to the other.
      let share = random.nextUniform() / 2 + (isAhead ? 0 : 0.5), d = mix(inner, outer, share)
      let end = s + speed * drive.duration, path = (min(s, end) - 1.5)...(max(s, end) + 1.5)
      let isWalking = isClear(side, path) && !random.chance(0.15)
      let first = s
      let members = (0..<size).map { member -> (along: Float, across: Float, source: RandomSource) in
        (
          size > 4 ? random.between(-1.4, 1.4) : random.between(-0.25, 0.25),
          size > 4 ? random.between(-0.8, 0.8) : Float(member) * 0.62, RandomSource(seed: random.next())
        )
      }
      let isCrowd = size > StreetPlan.crowdLimit && s > 30
      for member in members {
        let place = min(max(d + member.across, inner), lots(side) - 0.3), start = first + member.along
        guard isClear(side, (start - 0.5)...(start + 0.5)) else { continue }
        movers.append(
          Mover(
            place: { time in
              let lot = road.lot(start + (isWalking ? speed * time : 0), place * sign, side: sign, height: height)
              // In a lot's frame x leads back along the street on the right, and ahead on the left.
              return lot(Frame(heading: (speed > 0) == (sign > 0) ? -.pi / 2 : .pi / 2))
            },
            draw: { mesh, time in
              var random = member.source
              let asset = assets.draw("person", &random)
              func draw(_ mesh: inout Mesh) {
                if isWalking {
                  mesh.pedestrian(asset, &random, walked: abs(speed) * time)
                } else {
                  mesh.bystander(asset, &random)
                }
              }
              if isCrowd { mesh.crowd(draw) } else { draw(&mesh) }
            }))
      }
      s += random.between(1.5, 60 / busy)
    }
    return movers
  }

  /// Someone on the way across; up the kerb at its end.
  private func across(
    _ s: Float, _ d: Float, _ direction: Float, speed: Float, _ assets: Assets, _ random: inout RandomSource
  ) -> Mover {
    let source = RandomSource(seed: random.next())
    return Mover(
      place: { time in
        let d = d + direction * speed * time, side = d > 0 ? 0 : 1, edge = kerb(side)
        let height = sides[side].kerb * smoothstep(edge - 0.15, edge + 0.05, abs(d)) + 0.02
        return Frame(road.point(s, d, height), heading: road.heading(s) + direction * .pi / 2)
      },
      draw: { mesh, time in
        var random = source
        mesh.pedestrian(assets.draw("person", &random), &random, walked: speed * time)
      })
  }

  private func bystander(at frame: Frame, _ assets: Assets, _ random: inout RandomSource) -> Mover {
    let source = RandomSource(seed: random.next())
    return Mover(
      place: { _ in frame },
      draw: { mesh, _ in
        var random = source
        mesh.bystander(assets.draw("person", &random), &random)
      })
  }
}
