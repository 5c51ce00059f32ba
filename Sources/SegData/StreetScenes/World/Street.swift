import Foundation
import SegKernels

/// One street with everything on it, the light that falls on it, and a camera: all that a picture follows from.
///
/// What a seed decides is drawn in streams of their own for each part, so that another light or another camera leaves
/// the street as it is.
struct Street {
  let mesh: Mesh
  let camera: StreetCamera
  let daylight: Daylight

  init(_ assets: Assets, domain: StreetDomain, seed: RandomSource) {
    var light = seed.stream(0), road = seed.stream(1), view = seed.stream(2)
    let plan = StreetPlan(Road(&road), lampsLit: domain.lampsLit, &road)
    var mesh = Mesh()
    plan.drawGround(&mesh, assets, seed.stream(3))
    plan.drawLots(&mesh, assets, seed.stream(4))
    plan.drawTraffic(&mesh, assets, seed.stream(5))
    plan.drawSidewalks(&mesh, assets, seed.stream(6))
    plan.drawBackdrop(&mesh, assets, seed.stream(7))
    daylight = Daylight(domain, &light, lamps: mesh.lights)

    let height = view.between(1.15, 1.75)
    let frame = plan.road.frame(
      0, plan.ownLane + view.between(-0.4, 0.4), heading: view.between(-0.07, 0.07), height: height
    )
    .pitched(view.between(0.0, 0.075)).rolled(view.between(-0.022, 0.022))
    if view.chance(0.75) {
      mesh.at(frame) {
        $0.bonnet(width: view.between(0.7, 0.95), drop: view.between(0.3, 0.42), reach: view.between(1.7, 2.5), &view)
      }
    }
    camera = StreetCamera(frame, focalLength: view.between(0.78, 1.2))
    self.mesh = mesh
  }
}

/// The measures of a street: what lies where across it.
struct StreetPlan {
  /// What one side of the street has between its lanes and its lots.
  struct Side {
    let hasParking: Bool
    let kerb: Float
    let verge: Float
    let walk: Float
    let isWalled: Bool
    let treeSpacing: Float?
  }

  let road: Road
  /// How far the camera moves, metres: the street goes on as much longer.
  let travel: Float
  /// How bright lamps are, 0 by day.
  let lampsLit: Float
  let laneWidth: Float
  let lanes: Int
  /// From the middle to the edge of the lanes.
  let half: Float
  /// Right, then left.
  let sides: [Side]
  /// Where another street crosses, and half its width; it may open to one side only.
  let crossing: (s: Float, half: Float, opens: [Bool])?
  /// A tram line on lanes of its own in the middle.
  let hasTracks: Bool
  /// Where the camera drives.
  let ownLane: Float

  /// Where the street begins and ends.
  var length: ClosedRange<Float> { -14...(165 + travel) }

  init(_ road: Road, travel: Float = 0, lampsLit: Float, _ random: inout RandomSource) {
    self.road = road
    self.travel = travel
    self.lampsLit = lampsLit
    laneWidth = random.between(2.9, 3.6)
    lanes = random.chance(0.25) ? 2 : 1
    hasTracks = random.chance(0.16)
    half = laneWidth * Float(lanes) + (hasTracks ? 3.1 : 0)
    sides = (0..<2).map { _ in
      Side(
        hasParking: random.chance(0.45), kerb: random.between(0.05, 0.16),
        verge: random.chance(0.16) ? random.between(0.8, 2) : 0,
        walk: random.between(2.2, 5.2), isWalled: random.chance(0.36),
        treeSpacing: random.chance(0.6) ? random.between(6, 13) : nil)
    }
    crossing =
      random.chance(0.6)
      ? (random.between(16, 60), random.between(3.2, 6), random.pick([[true, true], [true, false], [false, true]]))
      : nil
    ownLane = half - laneWidth * (lanes == 2 && random.chance(0.5) ? 1.5 : 0.5)
  }

  /// 1 to the right, −1 to the left.
  static func sign(_ side: Int) -> Float { side == 0 ? 1 : -1 }

  /// Distances from the middle: the kerb, where walkers walk from, where lots begin.
  func kerb(_ side: Int) -> Float { half + (sides[side].hasParking ? 2.15 : 0.25) }
  func walk(_ side: Int) -> Float { kerb(side) + sides[side].verge }
  func lots(_ side: Int) -> Float { walk(side) + sides[side].walk }

  /// Whether a stretch of a side is free of the crossing street.
  func isClear(_ side: Int, _ s: ClosedRange<Float>) -> Bool {
    guard let crossing, crossing.opens[side] else { return true }
    return s.upperBound < crossing.s - crossing.half - 0.5 || s.lowerBound > crossing.s + crossing.half + 0.5
  }

  /// The stretches of a side between its ends and the crossing street.
  func stretches(_ side: Int) -> [ClosedRange<Float>] {
    guard let crossing, crossing.opens[side] else { return [length] }
    return [length.lowerBound...(crossing.s - crossing.half), (crossing.s + crossing.half)...length.upperBound]
  }
}
