/// A dense array of 32-bit integers: class labels `[N, H, W]`, or indices.
///
/// Copies share their memory until one of them is written.
public struct Labels: Sendable, Hashable {
  /// The extents, outermost first.
  public let shape: Shape
  /// The values in row-major order.
  public private(set) var values: [Int32]

  /// Labels of given values, in row-major order. Traps if their number is not the shape's.
  public init(_ shape: Shape, _ values: [Int32]) {
    check(values.count == shape.elementCount, "Labels", "\(values.count) values given for shape \(shape)")
    self.shape = shape
    self.values = values
  }

  /// Labels that all have one value.
  public init(_ shape: Shape, filledWith value: Int32) {
    self.init(shape, [Int32](repeating: value, count: shape.elementCount))
  }

  /// Makes labels by filling uninitialised memory; `fill` must write every value.
  public init(uninitialized shape: Shape, _ fill: (UnsafeMutableBufferPointer<Int32>) throws -> Void) rethrows {
    self.shape = shape
    values = try [Int32](unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
      try fill(UnsafeMutableBufferPointer(rebasing: buffer[..<shape.elementCount]))
      count = shape.elementCount
    }
  }

  /// The number of values.
  public var count: Int { values.count }

  /// The same values under another shape of as many elements.
  public func reshaped(_ shape: Shape) -> Labels { Labels(shape, values) }

  /// One value, by its index on every axis.
  public subscript(indices: Int...) -> Int32 {
    check(
      indices.count == shape.rank, "Labels subscript",
      "shape \(shape) takes \(shape.rank) indices, found \(indices.count)")
    return values[zip(indices, shape.strides).reduce(0) { $0 + $1.0 * $1.1 }]
  }

  /// Calls `body` with the values in row-major order.
  public func withUnsafeBufferPointer<R>(_ body: (UnsafeBufferPointer<Int32>) throws -> R) rethrows -> R {
    try values.withUnsafeBufferPointer(body)
  }

  /// Calls `body` with the values in row-major order, for writing.
  public mutating func withUnsafeMutableBufferPointer<R>(
    _ body: (inout UnsafeMutableBufferPointer<Int32>) throws -> R
  ) rethrows -> R {
    try values.withUnsafeMutableBufferPointer(body)
  }
}
