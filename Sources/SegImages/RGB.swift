/// An 8-bit colour.
public struct RGB: Sendable, Hashable, Codable {
  /// The share of red, 0 to 255.
  public var red: UInt8
  /// The share of green, 0 to 255.
  public var green: UInt8
  /// The share of blue, 0 to 255.
  public var blue: UInt8

  /// A colour of given shares.
  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// The colour 0xRRGGBB, as tables write it.
  public init(hex: UInt32) {
    self.init(UInt8(hex >> 16 & 0xFF), UInt8(hex >> 8 & 0xFF), UInt8(hex & 0xFF))
  }

  /// No light.
  public static let black = RGB(0, 0, 0)
  /// All light.
  public static let white = RGB(255, 255, 255)

  /// The colour `opacity` of the way from this one to `other`, rounded.
  func blended(with other: RGB, opacity: Float) -> RGB {
    func mix(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8((Float(a) + (Float(b) - Float(a)) * opacity).rounded()) }
    return RGB(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
  }
}
