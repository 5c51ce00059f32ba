import Foundation

extension Material {
  /// What the material looks like at a point of its surface.
  ///
  /// - Parameters:
  ///   - t: metres along the surface; the third part tells faces apart.
  ///   - footprint: metres that a pixel spans; finer patterns fade into their mean.
  func reflectance(at t: Vector, footprint: Float) -> Reflectance {
    let face = seed &+ UInt32(truncatingIfNeeded: Int32(t.z * 17))
    switch finish {
    case .plain:
      let stain = layeredNoise(t.x, t.y, scale: 0.7, octaves: 2, footprint: footprint, face)
      return Reflectance(albedo: color * (1 + 0.12 * stain), gloss: gloss)
    case .asphalt: return asphalt(t, footprint, face)
    case .paving: return paving(t, footprint, face)
    case .plaster: return plaster(t, footprint, face)
    case .masonry: return masonry(t, footprint, face)
    case .boards: return boards(t, footprint, face)
    case .facade: return facade(t, footprint, face)
    case .foliage, .grass: return plants(t, footprint)
    case .cloth: return cloth(t, footprint)
    case .panes: return panes(t, footprint)
    case .picture: return picture(t, footprint)
    case .sign: return sign(t, footprint)
    case .lamp: return Reflectance(albedo: color, glow: second)
    }
  }

  private func asphalt(_ t: Vector, _ footprint: Float, _ face: UInt32) -> Reflectance {
    let grain = layeredNoise(t.x, t.y, scale: 0.07, octaves: 1, footprint: footprint, face)
    let wear = layeredNoise(t.x, t.y * 0.25, scale: 1.3, octaves: 3, footprint: footprint, face &+ 5)
    // Mended squares in another tone, and dark cracks along the zero line of a noise.
    let patch = lattice(whole(t.x / 2.3), whole(t.y / 5.1), face &+ 9)
    let tone: Float = patch > 0.86 ? 0.72 : (patch < 0.07 ? 1.2 : 1)
    var line: Float = 0
    if footprint < 0.08 {
      let broken = smoothstep(0.05, 0.25, noise(t.x / 7, t.y / 7, face &+ 17))
      if broken > 0 {
        let crack = abs(layeredNoise(t.x, t.y, scale: 2.7, octaves: 3, footprint: footprint, face &+ 13))
        line = broken * (1 - smoothstep(0.004, 0.014, crack)) * (1 - smoothstep(0.02, 0.08, footprint))
      }
    }
    let albedo =
      mix(color, second, smoothstep(0.1, 0.5, wear)) * tone * (1 + 0.4 * grain + 0.3 * wear) * (1 - 0.5 * line)
    guard wetness > 0 else { return Reflectance(albedo: albedo, gloss: gloss) }
    let pool = layeredNoise(t.x, t.y * 0.6, scale: 2.2, octaves: 3, footprint: footprint, face &+ 21)
    let wet = smoothstep(0.5 - wetness, 0.6 - wetness, pool * 0.7 + 0.1)
    return Reflectance(albedo: albedo * (1 - 0.55 * wet), gloss: gloss + 0.6 * wet)
  }

  private func paving(_ t: Vector, _ footprint: Float, _ face: UInt32) -> Reflectance {
    let row = whole(t.y / scale)
    let (u, v) = (t.x / scale + 0.5 * Float(row & 1), t.y / scale)
    let visible = 1 - smoothstep(0.25, 0.8, footprint / scale)
    let tone = 1 + 0.3 * (lattice(whole(u), row, face) - 0.5) * visible
    let edge = min(min(u - Float(whole(u)), 1 - u + Float(whole(u))), min(v - Float(row), 1 - v + Float(row)))
    let joint = (1 - smoothstep(0.02, 0.06, edge)) * visible
    let dirt = layeredNoise(t.x, t.y, scale: 1.3, octaves: 4, footprint: footprint, face &+ 3)
    let grain = layeredNoise(t.x, t.y, scale: 0.07, octaves: 1, footprint: footprint, face &+ 7)
    let pool = wetness > 0 ? smoothstep(0.45 - wetness, 0.6 - wetness, dirt) : 0
    return Reflectance(
      albedo: mix(color * tone, second, 0.8 * joint) * (1 + 0.45 * dirt + 0.2 * grain) * (1 - 0.5 * pool),
      gloss: gloss + 0.5 * pool)
  }

  private func plaster(_ t: Vector, _ footprint: Float, _ face: UInt32) -> Reflectance {
    let stain = layeredNoise(t.x, t.y, scale: 1.8, octaves: 4, footprint: footprint, face)
    // Rain runs down: long narrow streaks.
    let streak = layeredNoise(t.x, t.y * 0.12, scale: 0.35, octaves: 2, footprint: footprint, face &+ 4)
    let grain = layeredNoise(t.x, t.y, scale: 0.11, octaves: 2, footprint: footprint, face &+ 8)
    return Reflectance(
      albedo: mix(color, second, smoothstep(0.15, 0.6, stain + 0.5 * streak))
        * (1 + 0.2 * stain + 0.25 * streak + 0.15 * grain),
      gloss: gloss)
  }

  private func masonry(_ t: Vector, _ footprint: Float, _ face: UInt32) -> Reflectance {
    let (height, width) = (scale * 0.32, scale)
    let course = whole(t.y / height)
    let (u, v) = (t.x / width + 0.5 * Float(course & 1), t.y / height)
    let visible = 1 - smoothstep(0.3, 0.9, footprint / height)
    let tone = 1 + 0.45 * (lattice(whole(u), course, face) - 0.5) * visible
    let edge = min(
      min(u - Float(whole(u)), 1 - u + Float(whole(u))) * width, min(v - Float(course), 1 - v + Float(course)) * height)
    let joint = mix(0.18, 1 - smoothstep(0.006, 0.015, edge), visible)
    let stain = layeredNoise(t.x, t.y, scale: 1.7, octaves: 3, footprint: footprint, face &+ 2)
    return Reflectance(albedo: mix(color * tone, second, 0.85 * joint) * (1 + 0.35 * stain), gloss: gloss)
  }

  private func boards(_ t: Vector, _ footprint: Float, _ face: UInt32) -> Reflectance {
    let place = t.x / scale, board = whole(place)
    let visible = 1 - smoothstep(0.3, 0.9, footprint / scale)
    let tone = 1 + 0.3 * (lattice(board, 0, face) - 0.5) * visible
    let gap = (1 - smoothstep(0.02, 0.07, min(place - Float(board), 1 - place + Float(board)))) * visible
    let veins = layeredNoise(t.x * 6, t.y * 0.7, scale: 0.4, octaves: 3, footprint: footprint * 3, face &+ 6)
    return Reflectance(albedo: mix(color * tone, second * 0.5, gap) * (1 + 0.35 * veins), gloss: gloss)
  }

  private func facade(_ t: Vector, _ footprint: Float, _ face: UInt32) -> Reflectance {
    let floor = whole(t.y / bays.x), bay = whole(t.x / bays.y)
    let (u, v) = (t.x / bays.y - Float(bay), t.y / bays.x - Float(floor))
    let isGround = floor <= 0
    // The ground floor has wide openings, some of them doors or garage doors.
    let kind = lattice(bay, floor, face &+ 31)
    let (w, h): (Float, Float) = isGround ? (kind < 0.5 ? 0.8 : 0.45, kind < 0.3 ? 0.8 : 0.68) : (bays.z, bays.w)
    let bottom: Float = isGround ? (kind < 0.3 ? 0 : 0.16) : 0.28
    let (x, y) = (abs(u - 0.5) - w / 2, max(bottom - v, v - bottom - h))
    let inside = max(x * bays.y, y * bays.x)
    let blank = lattice(bay, 7, face &+ 11) < 0.07
    var wall = seed & 1 == 0 ? plaster(t, footprint, face).albedo : masonry(t, footprint, face).albedo
    // A band of another tone at every floor, and a darker foot.
    if v < 0.045 && footprint < 0.3 { wall = mix(wall, second, 0.5) }
    if t.y < 0.7 { wall *= 0.75 }
    guard inside < 0.09, !blank else { return Reflectance(albedo: wall) }
    if inside > 0 { return Reflectance(albedo: mix(second, wall, 0.25)) }
    // A mullion in the middle, and a curtain or shutter behind or before some panes.
    let mullion = abs(u - 0.5) * bays.y < 0.035 || abs(v - bottom - h * 0.7) * bays.x < 0.03
    if mullion && footprint < 0.12 { return Reflectance(albedo: second) }
    let state = lattice(bay, floor, face &+ 17)
    if state < 0.13 {
      let slat = 0.75 + 0.25 * sin(t.y * 60) * (1 - smoothstep(0.02, 0.06, footprint))
      return Reflectance(albedo: mix(second, color, 0.3) * slat)
    }
    let depth = layeredNoise(t.x, t.y, scale: 0.6, octaves: 2, footprint: footprint, face &+ 19)
    let room =
      Vector(0.05, 0.055, 0.06) * (1 + 0.6 * depth)
      + (state > 0.8 ? Vector(0.2, 0.18, 0.14) * (state - 0.6) : Vector(0, 0, 0))
    let indoors = state > 0.72 ? Vector(1, 0.82, 0.5) * (0.4 + 2 * (state - 0.72)) * (1 + 0.6 * depth) : Vector(0, 0, 0)
    return Reflectance(albedo: room, gloss: 0.35, indoors: indoors)
  }

  private func plants(_ t: Vector, _ footprint: Float) -> Reflectance {
    let clump = layeredNoise(t.x + 0.37 * t.z, t.y - 0.61 * t.z, scale: scale, octaves: 4, footprint: footprint, seed)
    let hue = layeredNoise(t.x - t.z, t.y + t.z, scale: scale * 4, octaves: 2, footprint: footprint, seed &+ 40)
    return Reflectance(albedo: mix(color, second, smoothstep(-0.35, 0.45, clump + hue)) * (1 + 0.9 * clump))
  }

  private func cloth(_ t: Vector, _ footprint: Float) -> Reflectance {
    let fold = layeredNoise(t.x * 1.5, t.y * 0.6, scale: 0.16, octaves: 2, footprint: footprint, seed)
    let stripes = seed % 5 == 0 && sin(t.y * 55) > 0
    return Reflectance(albedo: (stripes && footprint < 0.05 ? second : color) * (1 + 0.5 * fold))
  }

  private func panes(_ t: Vector, _ footprint: Float) -> Reflectance {
    let place = t.x / scale, pane = whole(place)
    if abs(place - Float(pane) - 0.5) > 0.46 && footprint < scale { return Reflectance(albedo: second, gloss: 0.1) }
    let within = layeredNoise(t.x, t.y, scale: 0.5, octaves: 2, footprint: footprint, seed &+ 3)
    return Reflectance(albedo: color * (1 + 0.7 * within), gloss: gloss)
  }

  private func picture(_ t: Vector, _ footprint: Float) -> Reflectance {
    // Sky above, something green, a dark bulk on a grey ground: what the street itself looks like, only printed.
    let (x, y) = (t.x / scale, t.y / scale)
    let wave = layeredNoise(x, y, scale: 0.5, octaves: 3, footprint: footprint / scale, seed)
    let level = y + 0.25 * wave
    let green = Vector(0.1, 0.2, 0.05), grey = Vector(0.2, 0.2, 0.21), blue = Vector(0.3, 0.45, 0.7)
    var albedo = level > 0.7 ? blue : (level > 0.4 ? green : grey)
    if noise(x * 2, y * 3, seed &+ 8) > 0.35 { albedo = color }
    if noise(x * 3 + 9, y * 2, seed &+ 9) > 0.45 { albedo = second }
    return Reflectance(albedo: albedo * (1 + 0.4 * wave), gloss: gloss)
  }

  private func sign(_ t: Vector, _ footprint: Float) -> Reflectance {
    let (x, y) = (t.x / scale, t.y / scale)
    let reach = max(abs(x), abs(y))
    var ink = false
    switch seed % 4 {
    case 0: ink = dot(Vector(x, y, 0), Vector(x, y, 0)) > 0.62
    case 1: ink = abs(x) < 0.2 && abs(y) < 0.6
    case 2: ink = abs(y) < 0.18 && abs(x) < 0.72
    default: ink = lattice(whole(x * 5), whole(y * 2.5), seed) > 0.55 && reach < 0.8
    }
    return Reflectance(albedo: ink ? second : color, gloss: gloss)
  }
}
