import Foundation
import SegKernels

extension StreetPlan {
  /// Everything with wheels: in its lane, parked at the kerb, on the crossing street, on the tracks.
  func drawTraffic(_ mesh: inout Mesh, _ assets: Assets, _ seed: RandomSource) {
    for side in 0..<2 {
      let sign = StreetPlan.sign(side)
      for lane in 0..<lanes {
        var random = seed.stream(10 + 2 * lane + side)
        let d = sign * (half - laneWidth * (Float(lane) + 0.5))
        drawLane(&mesh, d, isOwn: abs(d - ownLane) < 0.1, isOncoming: side == 1, assets, &random)
      }
      if sides[side].hasParking {
        var random = seed.stream(20 + side)
        drawParked(&mesh, side, assets, &random)
      }
    }
    var random = seed.stream(30)
    if random.chance(0.55) {
      // Cyclists keep to the edge.
      let isOncoming = random.chance(0.4), s = random.between(isOncoming ? 9 : 6, 38)
      mesh.at(road.frame(s, (half - 0.55) * (isOncoming ? -1 : 1), heading: isOncoming ? .pi : 0)) {
        $0.rider(assets, motorized: random.chance(0.06), &random, lit: lampsLit)
      }
    }
    if hasTracks, random.chance(0.75) {
      let isOncoming = random.chance(0.6), s = random.between(isOncoming ? 24 : 30, 80)
      mesh.at(road.frame(s, isOncoming ? -1.55 : 1.55, heading: isOncoming ? .pi : 0)) {
        $0.train(assets.draw("train", &random), &random, lit: lampsLit)
      }
    }
    guard let crossing else { return }
    for side in 0..<2 where crossing.opens[side] {
      for index in 0..<random.whole(0...3) {
        let away = kerb(side) + 4 + Float(index) * random.between(6.5, 10)
        let isLeaving = random.chance(0.5)
        mesh.at(road.lot(crossing.s, away * StreetPlan.sign(side), side: StreetPlan.sign(side))) {
          $0.at(Frame(Vector(isLeaving ? 1.6 : -1.6, 0, 0), heading: isLeaving ? 0 : .pi)) {
            drawVehicle(&$0, assets, &random)
          }
        }
      }
    }
  }

  private func drawLane(
    _ mesh: inout Mesh, _ d: Float, isOwn: Bool, isOncoming: Bool, _ assets: Assets, _ random: inout RandomSource
  ) {
    // Queues, a few cars, or an empty lane.
    let gaps: ClosedRange<Float> = random.chance(0.2) ? 7...11 : (random.chance(0.5) ? 14...45 : 45...110)
    var s = (isOwn ? 9 : 6) + random.between(0, gaps.upperBound)
    while s < 130 {
      mesh.at(
        road.frame(s, d + random.between(-0.35, 0.35), heading: (isOncoming ? .pi : 0) + random.between(-0.04, 0.04))
      ) {
        s += drawVehicle(&$0, assets, &random)
      }
      s += random.between(gaps.lowerBound, gaps.upperBound)
    }
  }

  /// Draws what drives on streets, mostly cars; returns how much longer than a car it is.
  ///
  /// - Parameter isFast: too fast for a bicycle.
  @discardableResult
  func drawVehicle(_ mesh: inout Mesh, _ assets: Assets, _ random: inout RandomSource, isFast: Bool = false) -> Float {
    let kind = random.nextUniform()
    switch kind {
    case ..<0.013: mesh.truck(assets.draw("truck", &random), &random, lit: lampsLit)
    case ..<0.028: mesh.bus(assets.draw("bus", &random), &random, lit: lampsLit)
    case ..<0.15: mesh.rider(assets, motorized: isFast || kind < 0.049, &random, lit: lampsLit)
    default: mesh.car(assets.draw("car", &random), &random, lit: lampsLit)
    }
    return StreetPlan.excessLength(kind)
  }

  /// How much longer than a car a kind of vehicle is.
  private static func excessLength(_ kind: Float) -> Float { kind < 0.013 ? 5 : (kind < 0.028 ? 8 : 0) }

  /// How much longer than a car the vehicle is that ``drawVehicle`` would draw.
  func excessLength(_ random: RandomSource) -> Float {
    var random = random
    return StreetPlan.excessLength(random.nextUniform())
  }

  func drawParked(_ mesh: inout Mesh, _ side: Int, _ assets: Assets, _ random: inout RandomSource) {
    let sign = StreetPlan.sign(side), fill = random.between(0.45, 0.95)
    var s: Float = -9 + random.between(0, 5)
    while s < 120 + travel {
      defer { s += random.between(5.3, 6.4) }
      guard random.chance(fill), isClear(side, (s - 5)...(s + 5)) else { continue }
      let isTurned = random.chance(side == 0 ? 0.06 : 0.9)
      let d = sign * (half + 1.05 + random.between(-0.12, 0.12))
      mesh.at(road.frame(s, d, heading: (isTurned ? .pi : 0) + random.between(-0.04, 0.04))) {
        let kind = random.nextUniform()
        if kind < 0.005 {
          $0.truck(assets.draw("truck", &random), &random, lit: 0)
          s += 5
        } else if kind < 0.033 {
          // Motorcycles stand side by side across the lane.
          for index in 0..<random.whole(1...3) {
            $0.at(Frame(Vector(0, 0, Float(index) * 0.9 - 1), heading: sign * -1.2).rolled(0.15)) {
              $0.motorcycle(assets.draw("motorcycle", &random), &random, lit: 0)
            }
          }
        } else {
          $0.car(assets.draw("car", &random), &random, lit: 0)
        }
      }
    }
  }
}
