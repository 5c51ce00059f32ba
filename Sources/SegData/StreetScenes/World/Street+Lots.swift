import Foundation
import SegKernels

extension StreetPlan {
  /// Houses, gardens, parks, walls and yards along both sides.
  func drawLots(_ mesh: inout Mesh, _ assets: Assets, _ seed: RandomSource) {
    for side in 0..<2 {
      var random = seed.stream(side)
      let setback = random.chance(0.45) ? 0 : random.between(1.5, 6)
      let storeys = random.between(7, 20)
      var s: Float = -14
      while s < 160 + travel {
        let width = random.between(7, 19)
        let lot = s...(s + width)
        s = lot.upperBound + (random.chance(0.2) ? random.between(0.5, 3) : 0)
        guard isClear(side, lot) else { continue }
        let middle = (lot.lowerBound + lot.upperBound) / 2
        mesh.at(
          road.lot(middle, lots(side) * StreetPlan.sign(side), side: StreetPlan.sign(side), height: sides[side].kerb)
        ) {
          drawLot(&$0, width, setback, storeys, sides[side].isWalled, assets, &random)
        }
      }
    }
  }

  private func drawLot(
    _ mesh: inout Mesh, _ width: Float, _ setback: Float, _ storeys: Float, _ isWalled: Bool, _ assets: Assets,
    _ random: inout RandomSource
  ) {
    let kind = random.nextUniform()
    if kind < (isWalled ? 0.42 : 0.7) {
      let height = min(max(storeys + random.between(-3, 4), 4), 24)
      mesh.at(Frame(Vector(0, 0, setback))) {
        $0.house(width: width, depth: random.between(8, 13), height: height, assets.draw("house", &random), &random)
      }
      if setback > 1.2 { drawFrontGarden(&mesh, width, setback, assets, &random) }
    } else {
      // A park, a yard or an empty lot, enclosed; something closes the view behind it.
      let enclosure = random.nextUniform()
      let height = random.between(0.8, 2.4)
      if enclosure < 0.4 {
        mesh.wall(length: width, height: height, assets.draw("wall", &random), &random)
      } else if enclosure < 0.87 {
        mesh.fence(length: width, height: random.between(0.9, 2), assets.draw("fence", &random))
      } else {
        mesh.hedge(length: width, height: height, depth: 0.8, assets.draw("plant", &random), &random)
      }
      if random.chance(0.6) {
        var lawn = assets.draw("grass", &random)
        mesh.object(.terrain) { mesh in
          let grass = mesh.surface(.grass(&lawn))
          mesh.quad(
            Vector(-width / 2, 0.06, 0.3), Vector(width / 2, 0.06, 0.3), Vector(width / 2, 0.5, 14),
            Vector(-width / 2, 0.5, 14), grass)
        }
      }
      for _ in 0..<random.whole(2...5) {
        mesh.at(Frame(Vector(random.between(-width / 2, width / 2), 0, random.between(1.5, 9)))) {
          $0.tree(assets.draw("plant", &random), &random)
        }
      }
      if random.chance(0.7) {
        mesh.at(Frame(Vector(0, 0, 14))) {
          $0.house(width: width + 2, depth: 8, height: random.between(6, 14), assets.draw("house", &random), &random)
        }
      }
    }
  }

  private func drawFrontGarden(
    _ mesh: inout Mesh, _ width: Float, _ setback: Float, _ assets: Assets, _ random: inout RandomSource
  ) {
    let kind = random.nextUniform()
    if kind < 0.38 {
      mesh.fence(length: width, height: random.between(0.8, 1.5), assets.draw("fence", &random))
    } else if kind < 0.68 {
      mesh.wall(length: width, height: random.between(0.5, 1.4), assets.draw("wall", &random), &random)
    } else if kind < 0.86 {
      mesh.hedge(length: width, height: random.between(0.7, 1.9), depth: 0.7, assets.draw("plant", &random), &random)
    }
    if random.chance(0.6) {
      var lawn = assets.draw("grass", &random)
      mesh.object(.terrain) { mesh in
        let grass = mesh.surface(.grass(&lawn))
        mesh.quad(
          Vector(-width / 2, 0.05, 0.1), Vector(width / 2, 0.05, 0.1), Vector(width / 2, 0.07, setback),
          Vector(-width / 2, 0.07, setback), grass)
      }
    }
    if setback > 2, random.chance(0.5) {
      mesh.at(Frame(Vector(random.between(-width / 2, width / 2), 0, setback / 2))) {
        if random.chance(0.5) {
          $0.tree(assets.draw("plant", &random), &random)
        } else {
          $0.hedge(length: 1.6, height: random.between(0.8, 2), depth: 1.2, assets.draw("plant", &random), &random)
        }
      }
    }
  }

  /// What closes the view where the street ends: houses and trees on a wide arc.
  func drawBackdrop(_ mesh: inout Mesh, _ assets: Assets, _ seed: RandomSource) {
    var random = seed
    let end = road.frame(160 + travel, 0)
    for index in -7...7 {
      let x = Float(index) * 16 + random.between(-4, 4), z = random.between(14, 34) - abs(Float(index)) * 5
      mesh.at(Frame(end.point(Vector(x, 0, z)), heading: atan2(end.ahead.x, end.ahead.z))) {
        if random.chance(0.5) {
          $0.house(
            width: random.between(11, 20), depth: 9, height: random.between(7, 20), assets.draw("house", &random),
            &random)
        } else {
          for tree in 0..<3 {
            $0.at(Frame(Vector(Float(tree) * 5 - 5, 0, 0))) { $0.tree(assets.draw("plant", &random), &random) }
          }
        }
      }
    }
  }
}
