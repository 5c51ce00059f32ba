import Foundation
import SegKernels

extension StreetPlan {
  /// Groups of more members than this, far away, are one region: nobody could count them.
  static let crowdLimit = 5

  /// Trees, posts, lamps and people on both sides; people and signals at the crossing.
  func drawSidewalks(_ mesh: inout Mesh, _ assets: Assets, _ seed: RandomSource) {
    for side in 0..<2 {
      var random = seed.stream(side)
      drawFurniture(&mesh, side, assets, &random)
      var people = seed.stream(2 + side)
      drawPeople(&mesh, side, assets, &people)
    }
    guard let crossing else { return }
    var random = seed.stream(4)
    drawSignals(&mesh, assets, &random)
    for _ in 0..<random.whole(0...4) where random.chance(0.6) {
      // People on their way across.
      let d = random.between(-half, half), s = crossing.s - crossing.half - random.between(1.5, 3.5)
      mesh.at(road.frame(s, d, heading: random.chance(0.5) ? .pi / 2 : -.pi / 2)) {
        $0.pedestrian(assets.draw("person", &random), &random)
      }
    }
  }

  /// Mostly there are signals before the crossing.
  ///
  /// - Parameter shown: 0 green, 1 amber, 2 red; nil: whatever chance says.
  func drawSignals(_ mesh: inout Mesh, _ assets: Assets, _ random: inout RandomSource, shown: Int? = nil) {
    guard let crossing, random.chance(0.9) else { return }
    let asset = assets.draw("light", &random), s = crossing.s - crossing.half - 2
    for side in 0..<2 {
      let sign = StreetPlan.sign(side)
      let arm = side == 0 && random.chance(0.5) ? min(half * 0.9, 5) : 0
      mesh.at(road.frame(s, sign * (kerb(side) + 0.5), height: sides[side].kerb)) {
        $0.trafficLight(asset, &random, arm: arm, shown: shown)
      }
    }
  }

  private func place(
    _ mesh: inout Mesh, _ side: Int, _ s: Float, _ d: Float, heading: Float = 0, _ body: (inout Mesh) -> Void
  ) {
    guard isClear(side, (s - 0.5)...(s + 0.5)) else { return }
    mesh.at(road.lot(s, d * StreetPlan.sign(side), side: StreetPlan.sign(side), height: sides[side].kerb)) {
      $0.at(Frame(heading: heading), body)
    }
  }

  func drawFurniture(_ mesh: inout Mesh, _ side: Int, _ assets: Assets, _ random: inout RandomSource) {
    let nearKerb = kerb(side) + 0.45, nearLots = lots(side) - 0.4
    if let spacing = sides[side].treeSpacing {
      let asset = assets.draw("plant", &random), d = kerb(side) + max(sides[side].verge * 0.5, 0.7)
      var s = random.between(3, 3 + spacing)
      while s < 130 + travel {
        if random.chance(0.85) { place(&mesh, side, s, d) { $0.tree(asset, &random) } }
        s += spacing * random.between(0.8, 1.25)
      }
    }
    let lamp = assets.draw("lamp", &random), gap = random.between(16, 34)
    var s = random.between(2, gap)
    while s < 140 + travel {
      place(&mesh, side, s, nearKerb) { $0.streetLamp(lamp, lit: lampsLit) }
      s += gap
    }
    // Signs face the traffic of their side; on the left that comes from ahead.
    s = random.between(5, 25)
    while s < 110 + travel {
      place(&mesh, side, s, nearKerb, heading: side == 0 ? -.pi / 2 : .pi / 2) { mesh in
        mesh.at(Frame(heading: random.between(-0.3, 0.3) + (side == 1 && random.chance(0.5) ? .pi : 0))) {
          $0.signPost(assets.draw("sign", &random), &random)
        }
      }
      s += random.between(12, 38)
    }
    if random.chance(0.3) {
      let asset = assets.draw("bollard", &random), first = random.between(3, 25), spacing = random.between(1.2, 2.4)
      for index in 0..<random.whole(4...16) {
        place(&mesh, side, first + Float(index) * spacing, nearKerb) { $0.bollard(asset) }
      }
    }
    if random.chance(0.22) {
      // Railings at the kerb.
      let from = random.between(5, 45), length = random.between(6, 18)
      place(&mesh, side, from + length / 2, nearKerb) {
        $0.fence(length: length, height: 1, assets.draw("fence", &random))
      }
    }
    for _ in 0..<random.whole(0...4) {
      place(
        &mesh, side, random.between(4, 70), random.chance(0.5) ? nearKerb : nearLots,
        heading: random.chance(0.7) ? 0 : 1.57
      ) {
        $0.clutter(assets.draw("clutter", &random), &random)
      }
    }
    if random.chance(0.8) {
      // A row of bicycles, alone or leaning one on another.
      let count = random.whole(1...9), first = random.between(5, 45), isRack = random.chance(0.6)
      func row(_ mesh: inout Mesh) {
        for index in 0..<count {
          let s = first + Float(index) * (isRack ? 0.6 : 2)
          place(
            &mesh, side, s, isRack ? nearLots - 0.6 : nearLots, heading: isRack ? random.between(-0.2, 0.2) : .pi / 2
          ) {
            $0.at(Frame().rolled(random.between(-0.12, 0.12))) { $0.bicycle(assets.draw("bicycle", &random), &random) }
          }
        }
      }
      if count > StreetPlan.crowdLimit && isRack { mesh.crowd(row) } else { row(&mesh) }
    }
  }

  private func drawPeople(_ mesh: inout Mesh, _ side: Int, _ assets: Assets, _ random: inout RandomSource) {
    let busy = random.pick([2, 4, 7, 12] as [Float])
    var s = random.between(4, 10)
    while s < 85 {
      let size = random.chance(0.08) ? random.whole(6...10) : (random.chance(0.35) ? random.whole(2...4) : 1)
      let heading: Float = random.chance(0.5) ? .pi / 2 : -.pi / 2
      let d = mix(walk(side) + 0.4, lots(side) - 0.4, random.nextUniform())
      func group(_ mesh: inout Mesh) {
        for member in 0..<size {
          let along = size > 4 ? random.between(-1.4, 1.4) : random.between(-0.25, 0.25)
          let across = size > 4 ? random.between(-1, 1) : Float(member) * 0.62
          place(&mesh, side, s + along, min(d + across, lots(side) - 0.2), heading: heading + random.between(-0.4, 0.4))
          {
            $0.pedestrian(assets.draw("person", &random), &random)
          }
        }
      }
      if size > StreetPlan.crowdLimit && s > 30 { mesh.crowd(group) } else { group(&mesh) }
      s += random.between(1.5, 60 / busy)
    }
  }
}
