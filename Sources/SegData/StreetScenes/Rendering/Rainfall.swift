import SegKernels

/// Drops in the air, drawn out into streaks: other ones in every frame.
struct Rainfall {
  private let seed: UInt32
  private let slant: Float
  private let glow: Vector
  /// Streaks of a picture this wide are one pixel wide; larger pictures show them larger.
  private static let width: Float = 512

  init(_ daylight: Daylight, _ random: RandomSource) {
    var random = random
    seed = UInt32(truncatingIfNeeded: random.next())
    slant = random.between(-0.12, 0.12)
    glow = daylight.horizon
  }

  /// Adds the streaks to a picture's light.
  func fall(on light: inout [Vector], size: Pair) {
    let scale = Rainfall.width / Float(size.width)
    light.withUnsafeMutableBufferPointer { light in
      let light = light.baseAddress!
      parallelFor(size.height) { row in
        let y = Float(row) * scale
        for column in 0..<size.width {
          let x = Float(column) * scale + slant * y
          var share: Float = 0
          // Near drops are few, long and broad; far ones many, short and thin.
          for (layer, (width, length, density)) in [(2.6, 46, 0.012), (1.2, 22, 0.035)].enumerated()
            as EnumeratedSequence<[(Float, Float, Float)]>
          {
            let lane = whole(x / width), seed = seed &+ UInt32(layer)
            let fall = y / length + 7 * lattice(lane, 0, seed), cell = whole(fall)
            guard lattice(lane, cell, seed &+ 9) < density else { continue }
            let (u, v) = (x / width - Float(lane), fall - Float(cell))
            share += 0.3 * 4 * u * (1 - u) * 4 * v * (1 - v)
          }
          let place = row * size.width + column
          if share > 0 { light[place] = mix(light[place], glow, min(share, 0.5)) }
        }
      }
    }
  }
}
