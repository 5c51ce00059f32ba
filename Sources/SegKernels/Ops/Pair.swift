/// A size or a step for rows and columns: `3`, or `[3, 5]` for 3 rows and 5 columns.
public struct Pair: Sendable, Hashable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral, CustomStringConvertible
{
  /// For rows: the vertical direction.
  public let height: Int
  /// For columns: the horizontal direction.
  public let width: Int

  /// A pair of two numbers.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// The same number for rows and columns.
  public init(_ both: Int) { self.init(height: both, width: both) }

  public init(integerLiteral value: Int) { self.init(value) }

  public init(arrayLiteral elements: Int...) {
    check(elements.count == 2, "Pair", "takes two numbers, rows first, found \(elements)")
    self.init(height: elements[0], width: elements[1])
  }

  public var description: String { "\(height)×\(width)" }
}
