/// A plain array of doubles: what naive references compute with, to judge the fast operations.
public struct ReferenceArray: Sendable {
  /// The extents, outermost first.
  public let shape: Shape
  /// The elements in row-major order.
  public var values: [Double]

  /// An array of given elements. Traps if their number is not the shape's.
  public init(_ shape: Shape, _ values: [Double]) {
    check(values.count == shape.elementCount, "ReferenceArray", "\(values.count) values given for shape \(shape)")
    self.shape = shape
    self.values = values
  }

  /// An array of zeros.
  public init(zeros shape: Shape) { self.init(shape, [Double](repeating: 0, count: shape.elementCount)) }

  /// The elements of a tensor, widened.
  public init(_ tensor: Tensor) { self.init(tensor.shape, tensor.scalars.map(Double.init)) }

  /// One element, by its index on every axis.
  public subscript(indices: Int...) -> Double {
    get { values[offset(indices)] }
    set { values[offset(indices)] = newValue }
  }

  /// The place of an element in `values`.
  public func offset(_ indices: [Int]) -> Int {
    check(zip(indices, shape).allSatisfy { $0 >= 0 && $0 < $1 }, "ReferenceArray", "\(indices) is outside \(shape)")
    return zip(indices, shape.strides).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
