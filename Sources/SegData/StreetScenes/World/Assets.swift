import SegKernels

/// The shapes and materials that a split's streets are built from: a limited stock, drawn from names that no other
/// split has. So a network is tested on houses, cars and walls that it has never seen.
struct Assets {
  let split: String
  /// How many of each kind there are.
  let stock: Int

  init(split: String) {
    self.split = split
    stock = split == "train" ? 96 : 32
  }

  /// One of the stock, as the source of everything that makes it what it is.
  func draw(_ kind: String, _ random: inout RandomSource) -> RandomSource {
    RandomSource(seed: 0x5747_2026, name: "\(split)/\(kind)/\(random.whole(0...(stock - 1)))")
  }
}

// Colours are linear. What is drawn here is a material of the stock; where it is put decides the class.
extension Material {
  private static func seed(_ random: inout RandomSource) -> UInt32 {
    UInt32(truncatingIfNeeded: random.next()) & 0xFFFF
  }

  private static func grey(_ random: inout RandomSource, _ low: Float, _ high: Float, tint: Float = 0.06) -> Vector {
    let tone = random.between(low, high)
    return Vector(
      tone * (1 + random.between(-tint, tint)), tone * (1 + random.between(-tint / 2, tint / 2)),
      tone * (1 + random.between(-tint, tint)))
  }

  /// A colour of a hue (0 red, ⅓ green, ⅔ blue), as strong and light as asked for.
  static func hue(_ hue: Float, _ saturation: Float, _ value: Float) -> Vector {
    func channel(_ shift: Float) -> Float {
      let position = (shift + hue * 6).truncatingRemainder(dividingBy: 6)
      let rise = min(position, 4 - position)
      return value * (1 - saturation * min(max(rise, 0), 1))
    }
    return Vector(channel(5), channel(3), channel(1))
  }

  static func asphalt(_ random: inout RandomSource, wetness: Float = 0) -> Material {
    let color = grey(&random, 0.07, 0.22)
    var material = Material(
      .asphalt, color, color * random.between(0.7, 1.5), seed: seed(&random), gloss: random.between(0, 0.06))
    material.wetness = wetness
    return material
  }

  static func paving(_ random: inout RandomSource, wetness: Float = 0) -> Material {
    let color =
      random.chance(0.25) ? hue(random.between(0.02, 0.08), 0.4, random.between(0.16, 0.32)) : grey(&random, 0.14, 0.4)
    var material = Material(
      .paving, color, color * random.between(0.35, 0.8),
      scale: random.chance(0.35) ? random.between(0.1, 0.2) : random.between(0.25, 0.7),
      seed: seed(&random))
    material.wetness = wetness
    return material
  }

  static func plaster(_ random: inout RandomSource) -> Material {
    let color =
      random.chance(0.45)
      ? grey(&random, 0.2, 0.62) : hue(random.between(0.02, 0.16), random.between(0.12, 0.5), random.between(0.3, 0.65))
    return Material(.plaster, color, color * random.between(0.55, 0.9), seed: seed(&random) & ~1)
  }

  static func masonry(_ random: inout RandomSource) -> Material {
    let color =
      random.chance(0.55)
      ? hue(random.between(0, 0.06), random.between(0.4, 0.7), random.between(0.16, 0.36))
      : grey(&random, 0.16, 0.42, tint: 0.12)
    return Material(
      .masonry, color, grey(&random, 0.2, 0.45), scale: random.chance(0.6) ? 0.24 : random.between(0.4, 0.9),
      seed: seed(&random) | 1)
  }

  static func boards(_ random: inout RandomSource) -> Material {
    let color =
      random.chance(0.5)
      ? hue(random.between(0.04, 0.1), random.between(0.3, 0.65), random.between(0.12, 0.36))
      : grey(&random, 0.1, 0.5, tint: 0.15)
    return Material(.boards, color, color * 0.5, scale: random.between(0.09, 0.22), seed: seed(&random))
  }

  /// Plaster, masonry, concrete or boards: what walls, houses, plinths and solid fences are made of alike.
  static func wall(_ random: inout RandomSource) -> Material {
    let kind = random.nextUniform()
    return kind < 0.45 ? plaster(&random) : (kind < 0.85 ? masonry(&random) : boards(&random))
  }

  static func facade(_ random: inout RandomSource) -> Material {
    var material = random.chance(0.6) ? plaster(&random) : masonry(&random)
    material.finish = .facade
    if material.seed & 1 == 0 { material.second = grey(&random, 0.15, 0.75) }
    material.bays = SIMD4(
      random.between(2.8, 3.7), random.between(1.5, 3.4), random.between(0.3, 0.75), random.between(0.42, 0.62))
    return material
  }

  static func foliage(_ random: inout RandomSource) -> Material {
    let color = hue(random.between(0.17, 0.31), random.between(0.45, 0.8), random.between(0.07, 0.2))
    let other = hue(random.between(0.14, 0.3), random.between(0.4, 0.75), random.between(0.12, 0.3))
    return Material(.foliage, color, other, scale: random.between(0.2, 0.5), seed: seed(&random))
  }

  static func grass(_ random: inout RandomSource) -> Material {
    let color = hue(random.between(0.15, 0.29), random.between(0.35, 0.7), random.between(0.1, 0.24))
    let bare = hue(random.between(0.07, 0.2), random.between(0.25, 0.6), random.between(0.12, 0.28))
    return Material(.grass, color, bare, scale: random.between(0.25, 0.7), seed: seed(&random))
  }

  /// Sheet metal or plastic in the colours that vehicles have, mostly without hue.
  static func paint(_ random: inout RandomSource, gloss: Float = 0.35) -> Material {
    let color =
      random.chance(0.72)
      ? grey(&random, 0.015, random.chance(0.5) ? 0.15 : 0.7)
      : hue(
        random.chance(0.6) ? random.between(0.54, 0.66) : random.between(0, 0.16), random.between(0.4, 0.9),
        random.between(0.05, 0.38))
    return Material(.plain, color, seed: seed(&random), gloss: gloss)
  }

  static func metal(_ random: inout RandomSource) -> Material {
    let color =
      random.chance(0.75) ? grey(&random, 0.05, 0.42) : hue(random.between(0.25, 0.65), 0.5, random.between(0.05, 0.2))
    return Material(.plain, color, seed: seed(&random), gloss: 0.08)
  }

  static func glass(_ random: inout RandomSource, pane: Float = 1.2) -> Material {
    Material(
      .panes, grey(&random, 0.015, 0.06), grey(&random, 0.02, 0.1), scale: pane, seed: seed(&random),
      gloss: random.between(0.45, 0.75))
  }

  static func rubber(_ random: inout RandomSource) -> Material {
    Material(.plain, grey(&random, 0.012, 0.035), seed: seed(&random), gloss: 0.03)
  }

  static func cloth(_ random: inout RandomSource) -> Material {
    let color =
      random.chance(0.55)
      ? grey(&random, 0.015, 0.4, tint: 0.15)
      : hue(random.nextUniform(), random.between(0.3, 0.85), random.between(0.06, 0.5))
    return Material(.cloth, color, color * random.between(0.3, 1.6), seed: seed(&random))
  }

  static func skin(_ random: inout RandomSource) -> Material {
    let tone = random.between(0.09, 0.5)
    return Material(.plain, Vector(tone * 1.25, tone * 0.86, tone * 0.66), seed: seed(&random))
  }

  static func bark(_ random: inout RandomSource) -> Material {
    let color = hue(random.between(0.05, 0.1), random.between(0.2, 0.5), random.between(0.05, 0.16))
    return Material(.boards, color, color * 0.6, scale: random.between(0.05, 0.12), seed: seed(&random))
  }

  /// A picture with an accent colour or two: posters, advertisements, graffiti.
  static func picture(_ random: inout RandomSource, size: Float) -> Material {
    Material(
      .picture, hue(random.nextUniform(), random.between(0.3, 0.9), random.between(0.1, 0.6)),
      hue(random.nextUniform(), random.between(0, 0.9), random.between(0.05, 0.8)), scale: size, seed: seed(&random),
      gloss: 0.05)
  }

  /// A lamp; its light is seen where it is dark or it shines at all.
  static func lamp(_ color: Vector, glow: Float) -> Material {
    Material(.lamp, color * 0.4, color * glow)
  }
}
