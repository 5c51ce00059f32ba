import Glibc

/// A seeded stream of random numbers: SplitMix64, the same on every machine.
///
/// Nothing in the package draws from a hidden source; whoever needs chance is handed one of these, and its state can
/// be saved with a checkpoint.
public struct RandomSource: RandomNumberGenerator, Sendable, Hashable, Codable {
  /// The whole state of the stream.
  public private(set) var state: UInt64

  /// Starts the stream of a seed; a saved ``state``, as the seed, goes on where that stream stood.
  public init(seed: UInt64) { state = seed }

  /// Starts the stream of a seed and a name: 64-bit FNV-1a of the name, mixed with the seed.
  public init(seed: UInt64, name: String) {
    var mixer = RandomSource(seed: seed)
    self.init(seed: mixer.next() ^ stableHash(name))
  }

  /// A stream of its own for one part of a job (an epoch, a sample, a layer), independent of how many numbers other
  /// parts draw.
  public func stream(_ index: Int) -> RandomSource {
    var parent = RandomSource(seed: state ^ (UInt64(bitPattern: Int64(index)) &* 0xD1B5_4A32_D192_ED03))
    return RandomSource(seed: parent.next())
  }

  /// 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// Goes on as if `count` numbers had been drawn.
  package mutating func skip(_ count: Int) { state &+= UInt64(count) &* 0x9E37_79B9_7F4A_7C15 }

  /// A float in [0, 1), 24 bits fine.
  public mutating func nextUniform() -> Float { Float(next() >> 40) / 16_777_216 }

  /// A normally distributed float (Box–Muller, one of the pair).
  public mutating func nextNormal() -> Float {
    let radius = (-2 * log(Double(next() >> 11 | 1) / 9_007_199_254_740_992)).squareRoot()
    return Float(radius * cos(2 * Double.pi * Double(next() >> 11) / 9_007_199_254_740_992))
  }
}
