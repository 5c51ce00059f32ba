import Foundation
import SegKernels

/// A street over a few seconds: what stays, what moves, and the car with the camera.
///
/// At every time the mesh has the same triangles in the same order, and what stays comes first: a point of a triangle
/// is the same point of the same thing at any time.
struct MovingStreet: Sendable {
  let daylight: Daylight
  let drive: Drive
  private let plan: StreetPlan
  private let background: Mesh
  private let movers: [(mover: Mover, fineness: Float)]
  private let bonnet: RandomSource?
  private let focalLength: Float
  /// Cityscapes' id of every thing, by its number in the world: things counted within their class, seen or not.
  private(set) var instanceIDs: [Int32] = []

  /// From the left eye to the right one, metres.
  static let baseline: Float = 0.54

  init(_ assets: Assets, domain: StreetDomain, duration: Float, seed: RandomSource) {
    var light = seed.stream(0), road = seed.stream(1), view = seed.stream(2), motion = seed.stream(8)
    // A short shot is the beginning of a longer drive: braking and setting off take their time.
    let duration = max(duration, 3.5), travel = (14 * duration).rounded(.up)
    let plan = StreetPlan(Road(&road), travel: travel, lampsLit: domain.lampsLit, &road)
    let drive = Drive(plan, duration: duration, &motion)
    var mesh = Mesh()
    let stops = (0...8).map { Float($0) / 8 * duration }
    mesh.viewpoints = stops.map { drive.frame(on: plan.road, at: $0).origin }
    plan.drawGround(&mesh, assets, seed.stream(3))
    plan.drawLots(&mesh, assets, seed.stream(4))
    for side in 0..<2 {
      var parked = seed.stream(5).stream(20 + side), furniture = seed.stream(6).stream(side)
      if plan.sides[side].hasParking { plan.drawParked(&mesh, side, assets, &parked) }
      plan.drawFurniture(&mesh, side, assets, &furniture)
    }
    var signals = seed.stream(6).stream(4)
    plan.drawSignals(&mesh, assets, &signals, shown: drive.event == .stopping ? 2 : 0)
    plan.drawBackdrop(&mesh, assets, seed.stream(7))
    background = mesh

    let moving = plan.movingTraffic(drive, assets, seed.stream(5)) + plan.walkers(drive, assets, seed.stream(6))
    movers = moving.map { mover in
      let nearest = stops.reduce(Float.infinity) { nearest, time in
        let way = mover.place(time).origin - drive.frame(on: plan.road, at: time).origin
        return min(nearest, dot(way, way))
      }
      return (mover, Mesh.fineness(distance: nearest.squareRoot()))
    }
    daylight = Daylight(domain, &light, lamps: mesh.lights)
    self.plan = plan
    self.drive = drive
    focalLength = view.between(0.78, 1.2)
    bonnet = view.chance(0.75) ? view : nil
    instanceIDs = MovingStreet.numbered(self.mesh(at: 0))
  }

  /// The street at a time, seconds since the clip began.
  func mesh(at time: Float) -> Mesh {
    var mesh = background
    for (mover, fineness) in movers {
      mesh.steadyFineness = fineness
      mesh.at(mover.place(time)) { mover.draw(&$0, time) }
    }
    mesh.steadyFineness = 1
    if var view = bonnet {
      mesh.at(drive.frame(on: plan.road, at: time)) {
        $0.bonnet(width: view.between(0.7, 0.95), drop: view.between(0.3, 0.42), reach: view.between(1.7, 2.5), &view)
      }
    }
    return mesh
  }

  /// The camera at a time.
  func camera(at time: Float, _ eye: StreetEye) -> StreetCamera {
    var frame = drive.frame(on: plan.road, at: time)
    if eye == .right { frame.origin += frame.right * MovingStreet.baseline }
    return StreetCamera(frame, focalLength: focalLength)
  }

  /// Triangles before this one never move.
  var stillTriangles: Int { background.triangles.count }

  private static func numbered(_ mesh: Mesh) -> [Int32] {
    var next: [StreetClass: Int32] = [:]
    var ids = [Int32](repeating: 0, count: Int(mesh.instanceCount) + 1)
    for surface in mesh.surfaces where surface.instance > 0 && ids[Int(surface.instance)] == 0 {
      ids[Int(surface.instance)] = surface.label.labelID * 1000 + next[surface.label, default: 0]
      next[surface.label, default: 0] += 1
    }
    return ids
  }
}
