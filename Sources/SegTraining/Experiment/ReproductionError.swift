/// A paper's experiment cannot run on what it was given.
public struct ReproductionError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was expected, in one line.
  public let description: String

  /// An error of one line.
  public init(_ description: String) { self.description = description }
}
