/// A number in 0..<1 that two lattice coordinates and a seed decide.
@inline(__always) func lattice(_ x: Int32, _ y: Int32, _ seed: UInt32) -> Float {
  var h = UInt32(bitPattern: x) &* 0x8DA6_B343 ^ UInt32(bitPattern: y) &* 0xD816_3841 ^ seed &* 0xCB1A_B31F
  h = (h ^ (h >> 15)) &* 0x2C1B_3C6D
  return Float(Int32(bitPattern: (h ^ (h >> 13)) & 0xFF_FFFF)) * (1 / 16_777_216)
}

/// The whole part of a coordinate, far ones cut: hashes need no more.
@inline(__always) func whole(_ x: Float) -> Int32 {
  let cut = Int32(truncatingIfNeeded: Int(max(min(x, 1e8), -1e8)))
  return Float(cut) > x ? cut &- 1 : cut
}

/// Smooth noise in −1…1 that varies over one unit.
@inline(__always) func noise(_ x: Float, _ y: Float, _ seed: UInt32) -> Float {
  let (i, j) = (whole(x), whole(y))
  let (u, v) = (x - Float(i), y - Float(j))
  let (s, t) = (u * u * (3 - 2 * u), v * v * (3 - 2 * v))
  let upper = mix(lattice(i, j, seed), lattice(i &+ 1, j, seed), s)
  let lower = mix(lattice(i, j &+ 1, seed), lattice(i &+ 1, j &+ 1, seed), s)
  return mix(upper, lower, t) * 2 - 1
}

/// Noise over several scales, each half as large and half as strong as the one before; scales below `footprint`, what
/// a pixel spans, are left out: they would only flicker.
@inline(__always) func layeredNoise(
  _ x: Float, _ y: Float, scale: Float, octaves: Int, footprint: Float, _ seed: UInt32
) -> Float {
  var (sum, strength, frequency): (Float, Float, Float) = (0, 0.5, 1 / scale)
  for octave in 0..<octaves {
    let visible = 1 - smoothstep(0.35, 0.9, footprint * frequency)
    if visible <= 0 { break }
    sum += strength * visible * noise(x * frequency, y * frequency, seed &+ UInt32(octave))
    strength *= 0.6
    frequency *= 2.1
  }
  return sum
}
