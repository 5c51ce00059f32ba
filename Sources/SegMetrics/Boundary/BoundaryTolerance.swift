/// How far two boundaries may lie apart and still match.
public enum BoundaryTolerance: Sendable, Hashable, Codable, CustomStringConvertible {
  /// A distance in pixels.
  case pixels(Int)
  /// A share of the image's diagonal, rounded up to whole pixels.
  case diagonal(Double)

  /// The distances of the papers: 1, 2, 3 and 5 pixels (DAVIS and later work), and Gated-SCNN's shares of the diagonal,
  /// which are 3, 5, 9 and 12 pixels at 1024×2048.
  public static let standard: [BoundaryTolerance] = [
    .pixels(1), .pixels(2), .pixels(3), .pixels(5), .diagonal(0.00088), .diagonal(0.001875), .diagonal(0.00375),
    .diagonal(0.005),
  ]

  /// The distance in pixels for an image's size.
  public func radius(height: Int, width: Int) -> Int {
    switch self {
    case .pixels(let count): count
    case .diagonal(let share): Int((share * Double(height * height + width * width).squareRoot()).rounded(.up))
    }
  }

  public var description: String {
    switch self {
    case .pixels(let count): "\(count) px"
    case .diagonal(let share): "\(share) of the diagonal"
    }
  }

  // `{"pixels": 3}` or `{"diagonal": 0.005}`, without the "_0" of the synthesised form.
  private enum CodingKeys: CodingKey { case pixels, diagonal }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if let count = try container.decodeIfPresent(Int.self, forKey: .pixels) {
      self = .pixels(count)
    } else {
      self = .diagonal(try container.decode(Double.self, forKey: .diagonal))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .pixels(let count): try container.encode(count, forKey: .pixels)
    case .diagonal(let share): try container.encode(share, forKey: .diagonal)
    }
  }
}
