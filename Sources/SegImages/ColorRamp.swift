import SegKernels

/// Colours for numbers, from the least to the greatest, mixed linearly between those that are given.
public struct ColorRamp: Sendable, Hashable {
  private let colors: [RGB]

  /// A ramp through at least two colours, evenly spaced.
  public init(_ colors: [RGB]) {
    check(colors.count >= 2, "ColorRamp", "expected at least two colours, found \(colors.count)")
    self.colors = colors
  }

  /// Black, violet, red, orange, pale yellow: lighter all the way, so that it reads in grey as well.
  public static let heat = ColorRamp([
    .black, RGB(hex: 0x3B1260), RGB(hex: 0x8E2469), RGB(hex: 0xD94B4B), RGB(hex: 0xF99B3D), RGB(hex: 0xFDF3B8),
  ])

  /// The colour of a share; what is outside 0…1 gets the colour of the nearer end.
  public func color(_ share: Float) -> RGB {
    // NaN compares false and ends as the least.
    let place = (share > 0 ? min(share, 1) : 0) * Float(colors.count - 1)
    let first = min(Int(place), colors.count - 2)
    return colors[first].blended(with: colors[first + 1], opacity: place - Float(first))
  }

  /// A picture of a map H×W, 0 in the first colour and `greatest` in the last.
  public func callAsFunction(_ map: Tensor, greatest: Float) -> Image {
    check(
      map.shape.rank == 2 && greatest > 0, "ColorRamp",
      "expected a map H×W and a positive number, found \(map.shape) and \(greatest)")
    let pixels = map.scalars.flatMap { value -> [UInt8] in
      let color = color(value / greatest)
      return [color.red, color.green, color.blue]
    }
    return Image(width: map.shape[1], height: map.shape[0], pixels: pixels)
  }
}
