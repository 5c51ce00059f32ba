import SegKernels

/// A dense array of integers or truth values, kept exactly: counters, indices, masks.
public struct IntegerArray: Sendable, Hashable {
  /// The extents, outermost first.
  public let shape: Shape
  /// The values in row-major order.
  public let values: [Int64]

  /// An array of given values, in row-major order. Traps if their number is not the shape's.
  public init(_ shape: Shape, _ values: [Int64]) {
    check(values.count == shape.elementCount, "IntegerArray", "\(values.count) values given for shape \(shape)")
    self.shape = shape
    self.values = values
  }
}
