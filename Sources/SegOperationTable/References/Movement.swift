import SegKernels

extension Reference {
  /// y[i₀, i₁, …] = x with its axes reordered: axis k of the result is axis `axes[k]` of `x`.
  public static func permute(_ x: ReferenceArray, axes: [Int]) -> ReferenceArray {
    let axes = axes.map { x.shape.axis($0, for: "permute") }
    check(axes.sorted() == Array(0..<x.rank), "permute", "axes \(axes) are no permutation of the axes of \(x.shape)")
    return ReferenceArray(Shape(axes.map { x.shape[$0] })) { index in
      var source = index
      for (place, axis) in zip(index, axes) { source[axis] = place }
      return x[at: source]
    }
  }

  /// The same elements in row-major order under another shape.
  public static func reshape(_ x: ReferenceArray, to shape: Shape) -> ReferenceArray {
    check(shape.elementCount == x.values.count, "reshape", "\(x.shape) does not have the elements of \(shape)")
    return ReferenceArray(shape, x.values)
  }

  /// The arrays one after another along `axis`; they agree on all other axes.
  public static func concatenate(_ arrays: [ReferenceArray], axis: Int) -> ReferenceArray {
    check(!arrays.isEmpty, "concatenate", "no arrays given")
    let first = arrays[0].shape
    let axis = first.axis(axis, for: "concatenate")
    for array in arrays {
      check(
        array.rank == first.rank && array.shape.replacing(axis: axis, with: 0) == first.replacing(axis: axis, with: 0),
        "concatenate", "\(first) and \(array.shape) differ on another axis than \(axis)")
    }

    var result = ReferenceArray(zeros: first.replacing(axis: axis, with: arrays.reduce(0) { $0 + $1.shape[axis] }))
    var start = 0
    for array in arrays {
      for index in indices(of: array.shape) {
        var target = index
        target[axis] += start
        result[at: target] = array[at: index]
      }
      start += array.shape[axis]
    }
    return result
  }

  /// The places `range.lowerBound`, `+ step`, `+ 2·step`, … below `range.upperBound` of one axis.
  public static func slice(_ x: ReferenceArray, axis: Int, range: Range<Int>, step: Int = 1) -> ReferenceArray {
    let axis = x.shape.axis(axis, for: "slice")
    check(
      range.lowerBound >= 0 && range.upperBound <= x.shape[axis], "slice",
      "\(range) is outside axis \(axis) of \(x.shape)")
    check(step > 0, "slice", "step must be positive, found \(step)")
    let places = Array(stride(from: range.lowerBound, to: range.upperBound, by: step))
    return ReferenceArray(x.shape.replacing(axis: axis, with: places.count)) { index in
      var source = index
      source[axis] = places[index[axis]]
      return x[at: source]
    }
  }

  /// y[…, i, …] = x[…, n − 1 − i, …] along an axis of extent n.
  public static func flip(_ x: ReferenceArray, axis: Int) -> ReferenceArray {
    let axis = x.shape.axis(axis, for: "flip")
    return ReferenceArray(x.shape) { index in
      var source = index
      source[axis] = x.shape[axis] - 1 - index[axis]
      return x[at: source]
    }
  }

  /// `x` with `value` around it: `padding` names how many elements come before and after, for each axis.
  public static func pad(
    _ x: ReferenceArray, padding: [(before: Int, after: Int)], value: Double = 0
  ) -> ReferenceArray {
    padded("pad", x, padding) { source in
      zip(source, x.shape).allSatisfy { $0 >= 0 && $0 < $1 } ? x[at: source] : value
    }
  }

  /// `x` with its mirror image around it; the border itself is the mirror and is not repeated: c b | a b c | b a.
  public static func padReflect(_ x: ReferenceArray, padding: [(before: Int, after: Int)]) -> ReferenceArray {
    for (amount, extent) in zip(padding, x.shape) {
      let fits = max(amount.before, amount.after) < extent || (amount.before, amount.after) == (0, 0)
      check(fits, "padReflect", "padding \(amount) must be smaller than the extent \(extent)")
    }
    return padded("padReflect", x, padding) { source in
      let mirrored = zip(source, x.shape).map { place, extent in
        if place < 0 { return -place }
        if place >= extent { return 2 * (extent - 1) - place }
        return place
      }
      return x[at: mirrored]
    }
  }

  /// An array that is larger by `padding`, made of `element(place in x)`, which may lie outside `x`.
  /// Padding that repeats the outermost elements.
  public static func padReplicate(_ x: ReferenceArray, padding: [(before: Int, after: Int)]) -> ReferenceArray {
    padded("padReplicate", x, padding) { source in
      x[at: zip(source, x.shape).map { place, extent in min(max(place, 0), extent - 1) }]
    }
  }

  /// yᵢ = x₀ + … + xᵢ along an axis.
  public static func cumulativeSum(_ x: ReferenceArray, axis: Int) -> ReferenceArray {
    let axis = x.shape.axis(axis, for: "cumulativeSum")
    return ReferenceArray(x.shape) { index in
      (0...index[axis]).reduce(0) { total, place in
        var source = index
        source[axis] = place
        return total + x[at: source]
      }
    }
  }

  private static func padded(
    _ operation: String, _ x: ReferenceArray, _ padding: [(before: Int, after: Int)], _ element: ([Int]) -> Double
  ) -> ReferenceArray {
    check(padding.count == x.rank, operation, "\(padding.count) paddings given for shape \(x.shape)")
    check(padding.allSatisfy { $0.before >= 0 && $0.after >= 0 }, operation, "padding must not be negative: \(padding)")
    return ReferenceArray(Shape(zip(x.shape, padding).map { $0 + $1.before + $1.after })) { index in
      element(zip(index, padding).map { $0 - $1.before })
    }
  }
}
