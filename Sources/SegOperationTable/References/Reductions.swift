import SegKernels

extension Reference {
  /// Σ x over `axes`; an empty list means all axes. The sum of nothing is 0.
  public static func sum(_ x: ReferenceArray, axes: [Int] = [], keepDimensions: Bool = false) -> ReferenceArray {
    reduce("sum", x, axes, keepDimensions) { $0.reduce(0, +) }
  }

  /// Σ x / count over `axes`; an empty list means all axes. The mean of nothing is NaN.
  public static func mean(_ x: ReferenceArray, axes: [Int] = [], keepDimensions: Bool = false) -> ReferenceArray {
    reduce("mean", x, axes, keepDimensions) { $0.reduce(0, +) / Double($0.count) }
  }

  /// The largest x over `axes`; an empty list means all axes. A NaN wins over every number; traps over nothing.
  public static func maximum(_ x: ReferenceArray, axes: [Int] = [], keepDimensions: Bool = false) -> ReferenceArray {
    reduce("maximum", x, axes, keepDimensions) { values in
      check(!values.isEmpty, "maximum", "no elements to choose from in \(x.shape) over axes \(axes)")
      return values.dropFirst().reduce(values[0]) { best, value in value > best || value.isNaN ? value : best }
    }
  }

  /// The smallest x over `axes`; an empty list means all axes. A NaN wins over every number; traps over nothing.
  public static func minimum(_ x: ReferenceArray, axes: [Int] = [], keepDimensions: Bool = false) -> ReferenceArray {
    reduce("minimum", x, axes, keepDimensions) { values in
      check(!values.isEmpty, "minimum", "no elements to choose from in \(x.shape) over axes \(axes)")
      return values.dropFirst().reduce(values[0]) { best, value in value < best || value.isNaN ? value : best }
    }
  }

  /// The place of the largest x on `axis`, which disappears. The first of equals wins, and a NaN wins over every number.
  public static func argmax(_ x: ReferenceArray, axis: Int) -> Labels {
    let axis = x.shape.axis(axis, for: "argmax")
    check(x.shape[axis] > 0, "argmax", "axis \(axis) of \(x.shape) has no elements to choose from")
    var outer = x.shape.dimensions
    outer.remove(at: axis)

    let places = indices(of: Shape(outer)).map { index in
      var best = 0
      var largest = x[at: index.inserting(0, at: axis)]
      for place in 1..<x.shape[axis] {
        let value = x[at: index.inserting(place, at: axis)]
        if value > largest || (value.isNaN && !largest.isNaN) { (best, largest) = (place, value) }
      }
      return Int32(best)
    }
    return Labels(Shape(outer), places)
  }

  /// Applies `function` to every group of elements whose indices differ on `axes` only, in row-major order.
  private static func reduce(
    _ operation: String, _ x: ReferenceArray, _ axes: [Int], _ keepDimensions: Bool, _ function: ([Double]) -> Double
  ) -> ReferenceArray {
    let reduced = axes.isEmpty ? Set(0..<x.rank) : Set(axes.map { x.shape.axis($0, for: operation) })
    check(axes.isEmpty || reduced.count == axes.count, operation, "axes \(axes) of \(x.shape) repeat")
    let kept = Shape((0..<x.rank).map { reduced.contains($0) ? 1 : x.shape[$0] })

    var groups = [[Double]](repeating: [], count: kept.elementCount)
    for (index, value) in zip(indices(of: x.shape), x.values) {
      let group = index.indices.map { reduced.contains($0) ? 0 : index[$0] }
      groups[zip(group, kept.strides).reduce(0) { $0 + $1.0 * $1.1 }].append(value)
    }
    let remaining = Shape((0..<x.rank).filter { !reduced.contains($0) }.map { x.shape[$0] })
    return ReferenceArray(keepDimensions ? kept : remaining, groups.map(function))
  }
}

extension [Int] {
  /// The index with one more axis.
  fileprivate func inserting(_ place: Int, at axis: Int) -> [Int] {
    self[..<axis] + [place] + self[axis...]
  }
}
