/// The extents of an array, outermost first: `[N, C, H, W]` for a batch of images.
///
/// Storage is row-major: the last extent is contiguous. A scalar has the empty shape.
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, RandomAccessCollection {
  /// The extents, outermost first.
  public let dimensions: [Int]

  /// Creates a shape. Traps if an extent is negative.
  public init(_ dimensions: [Int]) {
    check(dimensions.allSatisfy { $0 >= 0 }, "Shape", "extents must not be negative, found \(dimensions)")
    self.dimensions = dimensions
  }

  public init(arrayLiteral elements: Int...) { self.init(elements) }

  public var startIndex: Int { 0 }
  public var endIndex: Int { dimensions.count }

  /// The extent of one axis; negative axes count from the end.
  public subscript(axis: Int) -> Int { dimensions[axis < 0 ? axis + dimensions.count : axis] }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The number of elements: the product of the extents, 1 for a scalar.
  public var elementCount: Int { dimensions.reduce(1, *) }

  /// The row-major strides, in elements.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) { strides[axis] = strides[axis + 1] * dimensions[axis + 1] }
    return strides
  }

  /// The axis as a number from 0 up, or a trap that names `operation`.
  package func axis(_ axis: Int, for operation: String) -> Int {
    let resolved = axis < 0 ? axis + rank : axis
    check(dimensions.indices.contains(resolved), operation, "axis \(axis) does not exist in shape \(self)")
    return resolved
  }

  /// The shape with one extent replaced.
  package func replacing(axis: Int, with extent: Int) -> Shape {
    var dimensions = self.dimensions
    dimensions[axis] = extent
    return Shape(dimensions)
  }

  /// The shape that two arrays take together under NumPy's broadcasting rule: axes are aligned from the last one,
  /// and an extent of 1 repeats. `nil` where they do not fit.
  public func broadcast(with other: Shape) -> Shape? {
    let rank = Swift.max(self.rank, other.rank)
    var result = [Int](repeating: 1, count: rank)
    for offset in 1..<(rank + 1) {
      let a = offset <= self.rank ? self[-offset] : 1
      let b = offset <= other.rank ? other[-offset] : 1
      guard a == b || a == 1 || b == 1 else { return nil }
      result[rank - offset] = a == 1 ? b : a
    }
    return Shape(result)
  }
}

extension Shape: CustomStringConvertible {
  public var description: String { "(" + dimensions.map(String.init).joined(separator: ", ") + ")" }
}
