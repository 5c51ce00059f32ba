import SegKernels

/// The colour of each class: what makes labels visible.
public struct Palette: Sendable, Hashable, Codable {
  /// One colour a class, from class 0 up.
  public let colors: [RGB]

  /// A palette of given colours.
  public init(_ colors: [RGB]) { self.colors = colors }

  /// The number of colours.
  public var count: Int { colors.count }

  /// The colour of a label, `nil` beyond the palette (as for most ignore indices).
  public func color(of label: Int32) -> RGB? {
    colors.indices.contains(Int(label)) ? colors[Int(label)] : nil
  }

  /// Pascal VOC's rule for any number of classes up to 256: bit 3k of the class goes to bit 7-k of red, bit 3k+1 to
  /// green, bit 3k+2 to blue, so that neighbouring classes differ in the high bits.
  public static func voc(count: Int = 256) -> Palette {
    check((0...256).contains(count), "Palette.voc", "the rule gives 256 colours, asked for \(count)")
    return Palette(
      (0..<count).map { label in
        var channels: [UInt8] = [0, 0, 0]
        for bit in 0..<8 where label >> bit & 1 == 1 { channels[bit % 3] |= 1 << UInt8(7 - bit / 3) }
        return RGB(channels[0], channels[1], channels[2])
      })
  }

  /// Colours for classes that have none of their own: hues one golden angle apart, in turns of three brightnesses.
  public static func distinct(count: Int) -> Palette {
    check(count >= 0, "Palette.distinct", "expected a number of classes, found \(count)")
    return Palette(
      (0..<count).map { label in
        let hue = (Float(label) * 0.618_034).truncatingRemainder(dividingBy: 1)
        return RGB(hue: hue, saturation: 0.65, value: [0.95, 0.7, 0.5][label % 3])
      })
  }
}

extension RGB {
  /// The colour of a hue, saturation and value, each in 0...1 (a hue of 1 is red again).
  fileprivate init(hue: Float, saturation: Float, value: Float) {
    func channel(_ shift: Float) -> UInt8 {
      let position = (shift + hue * 6).truncatingRemainder(dividingBy: 6)
      let dip = max(0, min(position, 4 - position, 1))
      return UInt8((255 * value * (1 - saturation * dip)).rounded())
    }
    self.init(channel(5), channel(3), channel(1))
  }
}
