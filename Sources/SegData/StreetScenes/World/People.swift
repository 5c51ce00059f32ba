import Foundation
import SegKernels

/// How a body is held.
enum Posture {
  /// A point of the stride, 0…1; standing people have one as well.
  case walking(phase: Float, stride: Float)
  /// A step that goes on: whole numbers of the phase are double steps, and feet leave the ground as they swing ahead.
  case striding(phase: Float)
  /// On a saddle at a height, hands ahead, feet on the pedals at an angle.
  case riding(saddle: Float, reach: Float, pedals: Float)

  /// How far a foot of a grown person swings ahead of the hip, metres.
  static let step: Float = 0.36

  var isSeated: Bool { if case .riding = self { true } else { false } }
}

// People in frames whose z is the way they face, the ground at y = 0.
extension Mesh {
  /// A person's body; the caller says whose: a pedestrian's or a rider's.
  mutating func body(height: Float, _ posture: Posture, _ asset: RandomSource, _ random: inout RandomSource) {
    var asset = asset
    let scale = height / 1.75, girth = asset.between(0.85, 1.25) * scale
    let top = surface(.cloth(&asset)), trousers = surface(.cloth(&asset)), skin = surface(.skin(&asset))
    let hair = surface(Material(.cloth, Material.skin(&asset).color * asset.between(0.05, 0.6), scale: 0.3, seed: 1))
    let shoes = surface(.rubber(&asset))
    let isCoated = asset.chance(0.3), sleeves = asset.chance(0.7), hasHat = asset.chance(0.2)
    let sides = 6

    var hip = Vector(0, 0.92 * scale, 0), lean: Float = 0.02
    var feet = [Vector(-0.1, 0.08, 0), Vector(0.1, 0.08, 0)], knees = feet, hands = feet
    switch posture {
    case .walking(let phase, let stride):
      let swing = sin(2 * .pi * phase) * stride
      for side in 0..<2 {
        let sign: Float = side == 0 ? -1 : 1, x = sign * 0.1 * scale
        let step = sign * swing * 0.36 * scale
        feet[side] = Vector(x, 0.07 + max(-step, 0) * 0.25, step)
        knees[side] = Vector(x, 0.49 * scale, step * 0.5 + 0.06 + 0.05 * stride)
        hands[side] = Vector(sign * 0.27 * girth, 0.84 * scale, -step * 0.85 + 0.06)
      }
    case .striding(let phase):
      for side in 0..<2 {
        let sign: Float = side == 0 ? -1 : 1, x = sign * 0.1 * scale
        let angle = 2 * .pi * phase, step = sign * sin(angle) * Posture.step * scale
        let lift = max(sign * cos(angle), 0)
        feet[side] = Vector(x, 0.07 + 0.13 * lift * scale, step)
        knees[side] = Vector(x, (0.49 + 0.05 * lift) * scale, step * 0.5 + (0.05 + 0.1 * lift) * scale)
        hands[side] = Vector(sign * 0.27 * girth, 0.84 * scale, -step * 0.85 + 0.06)
      }
      // Highest where the legs pass each other.
      hip.y += 0.02 * scale * abs(cos(2 * .pi * phase))
    case .riding(let saddle, let reach, let pedals):
      hip = Vector(0, saddle + 0.06, -0.12)
      lean = 0.16 + 0.3 * reach
      for side in 0..<2 {
        let sign: Float = side == 0 ? -1 : 1, angle = pedals + (side == 0 ? 0 : .pi)
        feet[side] = Vector(sign * 0.12, 0.3 + 0.16 * sin(angle), 0.1 + 0.16 * cos(angle))
        knees[side] = Vector(sign * 0.14, (hip.y + feet[side].y) / 2 + 0.12, 0.32)
        hands[side] = Vector(sign * 0.24, saddle + 0.14, 0.45)
      }
    }
    let shoulder = hip + Vector(0, 0.52 * scale, lean)
    let neck = shoulder + Vector(0, 0.08 * scale, 0.02), head = neck + Vector(0, 0.16 * scale, 0.03 + lean * 0.2)
    bar(hip - Vector(0, 0.06, 0), shoulder, 0.16 * girth, 0.18 * girth, top, sides: 8, capped: true)
    ellipsoid(shoulder, Vector(0.215 * girth, 0.09 * scale, 0.12 * girth), top, sides: 8)
    ellipsoid(hip, Vector(0.17 * girth, 0.13 * scale, 0.14 * girth), isCoated ? top : trousers, sides: 8)
    if isCoated, !posture.isSeated {
      bar(hip - Vector(0, 0.4 * scale, 0), hip, 0.21 * girth, 0.17 * girth, top, sides: 8)
    }
    bar(neck - Vector(0, 0.06, 0), head, 0.055 * scale, 0.05 * scale, skin, sides: sides)
    ellipsoid(head, Vector(0.078, 0.115, 0.095) * scale, skin, sides: 8)
    ellipsoid(
      head + Vector(0, 0.03, -0.025) * scale, Vector(0.086, hasHat ? 0.11 : 0.1, 0.095) * scale, hasHat ? top : hair,
      sides: 8)
    for side in 0..<2 {
      let sign: Float = side == 0 ? -1 : 1
      let thigh = hip + Vector(sign * 0.09 * girth, -0.02, 0)
      bar(thigh, knees[side], 0.085 * girth, 0.06 * girth, trousers, sides: sides)
      bar(knees[side], feet[side], 0.06 * girth, 0.045 * girth, trousers, sides: sides)
      bar(
        feet[side] + Vector(0, -0.03, -0.06), feet[side] + Vector(0, -0.03, 0.17), 0.05, 0.04, shoes, sides: 5,
        capped: true)
      let arm = shoulder + Vector(sign * 0.2 * girth, 0, 0)
      let elbow = (arm + hands[side]) / 2 + Vector(sign * 0.05, -0.03, -0.07)
      bar(arm, elbow, 0.055 * girth, 0.045 * girth, top, sides: sides)
      bar(elbow, hands[side], 0.042 * girth, 0.034 * girth, sleeves ? top : skin, sides: sides)
      ellipsoid(hands[side], Vector(repeating: 0.05 * scale), skin, sides: 5)
    }
    if !posture.isSeated, random.chance(0.4) {
      let bag = surface(.cloth(&random))
      if random.chance(0.5) {
        ellipsoid(shoulder + Vector(0, -0.2, -0.2) * scale, Vector(0.15, 0.22, 0.1) * scale, bag, sides: 6)
      } else {
        let at = hands[1]
        box(at + Vector(-0.06, -0.4, -0.14), at + Vector(0.06, -0.06, 0.14), bag, open: false)
      }
    }
  }

  /// Someone on foot.
  ///
  /// - Parameter walked: metres, of someone who is seen walking; nil in a picture that stands still.
  mutating func pedestrian(_ asset: RandomSource, _ random: inout RandomSource, walked: Float? = nil) {
    let height = random.chance(0.12) ? random.between(0.95, 1.4) : random.between(1.55, 1.92)
    let isMoving = random.chance(0.7), phase = random.nextUniform()
    object(.person) { mesh in
      let posture =
        walked.map { Posture.striding(phase: phase + $0 / (4 * Posture.step * height / 1.75)) }
        ?? .walking(phase: phase, stride: isMoving ? 1 : 0.15)
      mesh.body(height: height, posture, asset, &random)
    }
  }

  /// Someone who stands and waits.
  mutating func bystander(_ asset: RandomSource, _ random: inout RandomSource) {
    let height = random.between(1.55, 1.92), phase = random.nextUniform()
    object(.person) { $0.body(height: height, .walking(phase: phase, stride: 0.15), asset, &random) }
  }

  /// A bicycle on its wheels.
  mutating func bicycle(_ asset: RandomSource, _ random: inout RandomSource) {
    var asset = asset
    let wheel = asset.between(0.3, 0.35), base = asset.between(0.5, 0.56)
    object(.bicycle) { mesh in
      let tube = mesh.surface(.paint(&asset)), tyre = mesh.surface(.rubber(&random)),
        steel = mesh.surface(.metal(&asset))
      let hubs = [Vector(0, wheel, -base), Vector(0, wheel, base)]
      for hub in hubs {
        mesh.ring(hub, Vector(1, 0, 0), wheel - 0.035, wheel, tyre, sides: 16)
        // The tyre has a width, seen from ahead.
        mesh.bar(hub - Vector(0.018, 0, 0), hub + Vector(0.018, 0, 0), wheel, wheel, tyre, sides: 16)
        for spoke in 0..<6 {
          let angle = Float(spoke) * .pi / 6, out = Vector(0, sin(angle), cos(angle)) * (wheel - 0.03)
          mesh.bar(hub - out, hub + out, 0.004, 0.004, steel, sides: 3)
        }
      }
      let crank = Vector(0, 0.3, -0.06), seat = Vector(0, 0.86, -0.22), stem = Vector(0, 0.88, 0.4)
      for (a, b) in [(crank, seat), (crank, stem), (seat, stem), (hubs[0], crank), (hubs[0], seat), (stem, hubs[1])] {
        mesh.bar(a, b, 0.022, 0.022, tube, sides: 5)
      }
      mesh.bar(stem, stem + Vector(0, 0.12, -0.04), 0.016, 0.016, steel, sides: 5)
      mesh.bar(Vector(-0.28, 1, 0.36), Vector(0.28, 1, 0.36), 0.018, 0.018, steel, sides: 5)
      mesh.ellipsoid(seat + Vector(0, 0.07, -0.03), Vector(0.08, 0.04, 0.14), tyre, sides: 6)
      for (z, width) in [(-base, 0.03), (base, 0.03)] as [(Float, Float)] where asset.chance(0.6) {
        mesh.box(Vector(-width, wheel * 2, z - 0.2), Vector(width, wheel * 2 + 0.03, z + 0.2), tube, open: false)
      }
      if asset.chance(0.35) { mesh.box(Vector(-0.2, 0.75, 0.45), Vector(0.2, 1, 0.75), steel, open: false) }
    }
  }

  /// A motorcycle or scooter on its wheels.
  mutating func motorcycle(_ asset: RandomSource, _ random: inout RandomSource, lit: Float) {
    var asset = asset
    let wheel = asset.between(0.27, 0.34), base = asset.between(0.66, 0.8)
    object(.motorcycle) { mesh in
      let paint = mesh.surface(.paint(&asset)), tyre = mesh.surface(.rubber(&random)),
        steel = mesh.surface(.metal(&asset))
      for z in [-base, base] {
        mesh.bar(Vector(-0.07, wheel, z), Vector(0.07, wheel, z), wheel, wheel, tyre, sides: 14, capped: true)
        mesh.disc(Vector(0.075, wheel, z), Vector(1, 0, 0), wheel * 0.6, steel)
        mesh.disc(Vector(-0.075, wheel, z), Vector(-1, 0, 0), wheel * 0.6, steel)
      }
      mesh.box(Vector(-0.18, 0.24, -0.32), Vector(0.18, 0.64, 0.32), steel, open: false)
      mesh.ellipsoid(Vector(0, 0.8, 0.16), Vector(0.19, 0.18, 0.35), paint)
      mesh.ellipsoid(Vector(0, 0.77, -0.42), Vector(0.18, 0.1, 0.45), tyre)
      mesh.ellipsoid(Vector(0, 0.67, -0.78), Vector(0.14, 0.11, 0.27), paint)
      for side: Float in [-0.08, 0.08] {
        mesh.bar(Vector(side, wheel, base), Vector(side, 0.95, base - 0.32), 0.03, 0.03, steel, sides: 5)
      }
      mesh.bar(Vector(-0.34, 1.0, base - 0.36), Vector(0.34, 1.0, base - 0.36), 0.022, 0.022, tyre, sides: 5)
      mesh.ellipsoid(Vector(0, 0.88, base - 0.12), Vector(0.12, 0.13, 0.12), paint, sides: 6)
      mesh.disc(
        Vector(0, 0.88, base + 0.01), Vector(0, 0, 1), 0.08,
        mesh.surface(.lamp(Vector(0.9, 0.9, 0.85), glow: 0.15 + lit)))
      mesh.bar(Vector(0.17, 0.3, 0.1), Vector(0.19, 0.38, -0.7), 0.05, 0.06, steel, sides: 6, capped: true)
    }
  }

  /// Someone on a bicycle or motorcycle: two objects.
  ///
  /// - Parameter turned: how far the pedals have turned, radians.
  mutating func rider(
    _ assets: Assets, motorized: Bool, _ random: inout RandomSource, lit: Float, turned: Float = 0
  ) {
    let asset = assets.draw("person", &random), pedals = random.between(0, 6.28) + turned
    if motorized {
      motorcycle(assets.draw("motorcycle", &random), &random, lit: lit)
    } else {
      bicycle(assets.draw("bicycle", &random), &random)
    }
    object(.rider) {
      $0.body(
        height: random.between(1.6, 1.88),
        .riding(saddle: motorized ? 0.8 : 0.9, reach: random.nextUniform(), pedals: motorized ? 0 : pedals),
        asset, &random)
    }
  }
}
