import SegKernels

/// The classes of a data set or a model: their names and colours, and the label that means "not annotated".
///
/// It travels with datasets and weights, so that reports and pictures need no further input.
public struct ClassTable: Sendable, Hashable, Codable {
  /// One name a class, from class 0 up.
  public let names: [String]
  /// One colour a class.
  public let palette: Palette
  /// The label of pixels that belong to no class, if there is one.
  public let ignoreIndex: Int32?

  /// A table of names and their colours (by default `Palette.distinct`). Traps if their numbers differ.
  public init(names: [String], palette: Palette? = nil, ignoreIndex: Int32? = 255) {
    let palette = palette ?? .distinct(count: names.count)
    check(names.count == palette.count, "ClassTable", "\(names.count) names and \(palette.count) colours given")
    self.names = names
    self.palette = palette
    self.ignoreIndex = ignoreIndex
  }

  /// Classes without names of their own: "class 0", "class 1", …
  public init(count: Int, ignoreIndex: Int32? = 255) {
    self.init(names: (0..<count).map { "class \($0)" }, ignoreIndex: ignoreIndex)
  }

  /// The number of classes; the ignore index is none.
  public var count: Int { names.count }

  /// Whether a label is a class or the ignore index.
  public func contains(_ label: Int32) -> Bool {
    label == ignoreIndex || (label >= 0 && label < names.count)
  }

  private enum CodingKeys: CodingKey { case names, palette, ignoreIndex }

  /// Reads a table that a file holds. Throws `DecodingError` if names and colours differ in number.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let names = try container.decode([String].self, forKey: .names)
    let palette = try container.decode(Palette.self, forKey: .palette)
    guard names.count == palette.count else {
      throw DecodingError.dataCorruptedError(
        forKey: .palette, in: container, debugDescription: "\(names.count) names and \(palette.count) colours")
    }
    self.init(
      names: names, palette: palette, ignoreIndex: try container.decodeIfPresent(Int32.self, forKey: .ignoreIndex))
  }
}
