import Foundation
import SegKernels

extension StreetPlan {
  /// Everything with wheels that moves, or waits to: in the lanes, on the crossing street, on the tracks.
  func movingTraffic(_ drive: Drive, _ assets: Assets, _ seed: RandomSource) -> [Mover] {
    var movers: [Mover] = []
    for side in 0..<2 {
      for lane in 0..<lanes {
        var random = seed.stream(10 + 2 * lane + side)
        let d = StreetPlan.sign(side) * (half - laneWidth * (Float(lane) + 0.5))
        if side == 1 {
          movers += oncoming(d, drive, assets, &random)
        } else if abs(d - ownLane) < 0.1 {
          movers += ahead(drive, assets, &random)
        } else {
          movers += beside(d, drive, assets, &random)
        }
      }
    }
    var random = seed.stream(30)
    movers += cyclists(drive, assets, &random)
    if hasTracks, drive.event == .cruising, random.chance(0.75) {
      let isOncoming = random.chance(0.6), s = random.between(30, 100), profile = SpeedProfile(steady: 8)
      let asset = assets.draw("train", &random)
      movers.append(
        vehicle(at: s, isOncoming ? -1.55 : 1.55, isOncoming, profile, &random) { mesh, random in
          mesh.train(asset, &random, lit: lampsLit)
        })
    }
    if let crossing { movers += crossTraffic(crossing, drive, assets, seed.stream(31)) }
    return movers
  }

  /// A vehicle that follows the street from a place on, at a distance from the street's middle.
  private func vehicle(
    at s: Float, _ d: Float, _ isOncoming: Bool, _ profile: SpeedProfile, _ random: inout RandomSource,
    _ draw: @escaping @Sendable (inout Mesh, inout RandomSource) -> Void
  ) -> Mover {
    let heading = (isOncoming ? .pi : 0) + random.between(-0.02, 0.02), offset = random.between(-0.12, 0.12)
    let source = RandomSource(seed: random.next()), sign: Float = isOncoming ? -1 : 1
    return Mover(
      place: { road.frame(s + sign * profile.distance(at: $0), d + offset, heading: heading) },
      draw: { mesh, _ in
        var random = source
        draw(&mesh, &random)
      })
  }

  /// Vehicles one after another from `first` to `last` that keep their distances, the places where `isTaken` left out.
  private func row(
    from first: Float, to last: Float, _ d: Float, isOncoming: Bool = false, _ profile: SpeedProfile,
    _ assets: Assets, _ random: inout RandomSource, isTaken: (Float) -> Bool = { _ in false }
  ) -> [Mover] {
    let gaps: ClosedRange<Float> = random.chance(0.25) ? 3...7 : (random.chance(0.6) ? 9...32 : 30...70)
    let isFast = max(profile.first, profile.last) > 6
    var movers: [Mover] = [], s = first + random.between(0, gaps.upperBound)
    while s < last {
      let source = RandomSource(seed: random.next())
      let mover = vehicle(at: s, d, isOncoming, profile, &random) { mesh, _ in
        var random = source
        drawVehicle(&mesh, assets, &random, isFast: isFast)
      }
      if !isTaken(s) { movers.append(mover) }
      s += random.between(gaps.lowerBound, gaps.upperBound) + 5.5 + excessLength(source)
    }
    return movers
  }

  /// The camera's own lane: the queue that it stops behind, cars at its own speed, and free traffic beyond a red signal.
  private func ahead(_ drive: Drive, _ assets: Assets, _ random: inout RandomSource) -> [Mover] {
    let far = 150 + travel
    guard drive.event == .stopping, let line = stopLine, let crossing else {
      // Others keep the distance, or gain on the camera, or lose a little of it.
      let factor = drive.event == .cruising ? random.between(0.96, 1.15) : 1
      let loss = drive.profile.distance(at: drive.duration) * (1 - factor)
      return row(
        from: drive.start + 11 + max(loss, 0) + random.between(0, 18), to: far, ownLane, drive.profile.scaled(by: factor),
        assets, &random)
    }
    let length = drive.profile.distance(at: drive.duration), stands = random.chance(0.5)
    let queue = (0..<drive.queue).map { place in
      let stop = line - Drive.halt - Drive.spacing * Float(place), source = RandomSource(seed: random.next())
      let waits = stands || place == 0
      return vehicle(
        at: stop - (waits ? 0 : length), ownLane, false, waits ? SpeedProfile(steady: 0) : drive.profile, &random
      ) { mesh, _ in
        var random = source
        mesh.car(assets.draw("car", &random), &random, lit: lampsLit)
      }
    }
    let beyond = crossing.s + crossing.half + 5
    return queue + row(from: beyond, to: far, ownLane, SpeedProfile(steady: 9), assets, &random)
  }

  /// Another lane of the camera's direction: faster or slower, or stopped by the same signal.
  private func beside(_ d: Float, _ drive: Drive, _ assets: Assets, _ random: inout RandomSource) -> [Mover] {
    let far = 150 + travel
    guard drive.event == .stopping, let line = stopLine, let crossing else {
      let factor = drive.event == .starting ? 1 : random.between(0.7, 1.3)
      return row(from: drive.start - 25, to: far, d, drive.profile.scaled(by: factor), assets, &random)
    }
    let length = drive.profile.distance(at: drive.duration), beyond = crossing.s + crossing.half + 5
    return row(from: line - Drive.halt - length - 60, to: line - Drive.halt - length, d, drive.profile, assets, &random)
      + row(from: beyond, to: far, d, SpeedProfile(steady: 9), assets, &random)
  }

  /// A lane towards the camera; what comes from beyond a red signal stops there.
  private func oncoming(_ d: Float, _ drive: Drive, _ assets: Assets, _ random: inout RandomSource) -> [Mover] {
    let free = SpeedProfile(steady: random.chance(0.2) ? random.between(1, 4) : random.between(7, 13))
    guard drive.event == .stopping, let crossing, let line = stopLine else {
      return row(from: 4, to: 155 + travel, d, isOncoming: true, free, assets, &random)
    }
    let profile = SpeedProfile(from: 10, to: 0, during: 0.3...(0.8 * drive.duration))
    let first = crossing.s + crossing.half + 5 + Drive.halt + profile.distance(at: drive.duration)
    return row(from: 4, to: line, d, isOncoming: true, free, assets, &random)
      + row(from: first, to: 155 + travel, d, isOncoming: true, profile, assets, &random)
  }

  /// Cyclists at both edges of the roadway.
  private func cyclists(_ drive: Drive, _ assets: Assets, _ random: inout RandomSource) -> [Mover] {
    (0..<random.whole(0...3)).map { _ in
      let isOncoming = random.chance(0.4), s = drive.start + random.between(7, 60), speed = random.between(3.5, 6)
      let source = RandomSource(seed: random.next()), d = (half - 0.3) * (isOncoming ? -1 : 1)
      // One who would come to a red signal waits there.
      let waits = drive.event == .stopping && stopLine.map { !isOncoming && s < $0 } ?? false
      let profile = SpeedProfile(steady: waits ? 0 : speed)
      return Mover(
        place: { time in
          road.frame(
            (waits ? stopLine! - 1 : s) + (isOncoming ? -1 : 1) * profile.distance(at: time), d,
            heading: isOncoming ? .pi : 0)
        },
        draw: { mesh, time in
          // The pedals turn once in five metres.
          var random = source
          mesh.rider(
            assets, motorized: false, &random, lit: lampsLit, turned: -profile.distance(at: time) * 2 * .pi / 5)
        })
    }
  }

  /// The other street: it has green while the camera stops; else some drive off and others wait.
  private func crossTraffic(
    _ crossing: (s: Float, half: Float, opens: [Bool]), _ drive: Drive, _ assets: Assets, _ seed: RandomSource
  ) -> [Mover] {
    var random = seed
    // In this frame z leads away to the right of the camera's street, and x back along it.
    let frame = road.lot(crossing.s, 0, side: 1), offset = crossing.half * 0.42
    func mover(_ z: Float, isLeaving toRight: Bool, _ profile: SpeedProfile) -> Mover {
      let source = RandomSource(seed: random.next()), sign: Float = toRight ? 1 : -1
      return Mover(
        place: { time in
          frame(
            Frame(Vector(sign * offset, 0.01, z + sign * profile.distance(at: time)), heading: toRight ? 0 : .pi))
        },
        draw: { mesh, _ in
          var random = source
          drawVehicle(&mesh, assets, &random, isFast: true)
        })
    }
    if drive.event == .stopping && crossing.opens == [true, true] {
      return [true, false].flatMap { toRight -> [Mover] in
        let profile = SpeedProfile(steady: random.between(6, 10)), sign: Float = toRight ? 1 : -1
        var z: Float = -70 + random.between(0, 15), movers: [Mover] = []
        while z < 45 {
          movers.append(mover(sign * z, isLeaving: toRight, profile))
          z += random.between(12, 32)
        }
        return movers
      }
    }
    return (0..<2).filter { crossing.opens[$0] }.flatMap { side -> [Mover] in
      let sign = StreetPlan.sign(side)
      return (0..<random.whole(0...3)).map { index in
        let z = sign * (kerb(side) + 5 + Float(index) * 8.5), isLeaving = random.chance(0.5)
        let profile = SpeedProfile(from: isLeaving ? random.between(3, 6) : 0, to: isLeaving ? 7 : 0, during: 0...3)
        return mover(z, isLeaving: isLeaving == (side == 0), profile)
      }
    }
  }
}
