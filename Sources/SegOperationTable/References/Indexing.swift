import SegKernels

extension Reference {
  /// y[…, i, …] = x[…, indices[…, i, …], …] along an axis.
  public static func gather(_ x: ReferenceArray, axis: Int, indices places: Labels) -> ReferenceArray {
    let axis = x.shape.axis(axis, for: "gather")
    check(places.shape.rank == x.rank, "gather", "indices \(places.shape) and \(x.shape) differ in rank")
    return ReferenceArray(
      places.shape,
      zip(indices(of: places.shape), places.values).map { index, place in
        var source = index
        source[axis] = Int(place)
        return x[at: source]
      })
  }

  /// y[…, c, …] = 1 where the label is c, else 0: also where it is ignored.
  public static func oneHot(_ labels: Labels, classes: Int, axis: Int, ignoreIndex: Int) -> ReferenceArray {
    let axis = axis < 0 ? axis + labels.shape.rank + 1 : axis
    var y = ReferenceArray(zeros: Shape(labels.shape[..<axis] + [classes] + labels.shape[axis...]))
    for (index, label) in zip(indices(of: labels.shape), labels.values) where Int(label) != ignoreIndex {
      y[at: index[..<axis] + [Int(label)] + index[axis...]] = 1
    }
    return y
  }

  /// y[i] = x[indices[i]] along an axis.
  public static func indexSelect(_ x: ReferenceArray, axis: Int, indices places: Labels) -> ReferenceArray {
    let axis = x.shape.axis(axis, for: "indexSelect")
    var y = ReferenceArray(zeros: x.shape.replacing(axis: axis, with: places.count))
    for index in indices(of: y.shape) {
      var source = index
      source[axis] = Int(places.values[index[axis]])
      y[at: index] = x[at: source]
    }
    return y
  }

  /// y = x, then y[indices[i]] += source[i] along an axis.
  public static func indexAdd(
    _ x: ReferenceArray, axis: Int, indices places: Labels, source: ReferenceArray
  ) -> ReferenceArray {
    let axis = x.shape.axis(axis, for: "indexAdd")
    var y = x
    for index in indices(of: source.shape) {
      var target = index
      target[axis] = Int(places.values[index[axis]])
      y[at: target] += source[at: index]
    }
    return y
  }

  /// The indices along an axis in the order of their elements, the first `count` of them. Of equals, the lower index
  /// comes first; a NaN is larger than every number.
  public static func order(_ x: ReferenceArray, axis: Int, descending: Bool, count: Int? = nil) -> Labels {
    let axis = x.shape.axis(axis, for: "order")
    let extent = x.shape[axis], count = count ?? extent
    func precedes(_ a: Double, _ b: Double) -> Bool {
      let (low, high) = descending ? (b, a) : (a, b)
      return low < high || (high.isNaN && !low.isNaN)
    }
    let result = x.shape.replacing(axis: axis, with: count)
    var places = ReferenceArray(zeros: result)
    for index in indices(of: x.shape.replacing(axis: axis, with: min(1, extent))) {
      func at(_ place: Int) -> [Int] { index[..<axis] + [place] + index[(axis + 1)...] }
      let column = (0..<extent).map { x[at: at($0)] }
      // The place of an element is the number of those before it.
      for (i, own) in column.enumerated() {
        let place = (0..<extent).count { precedes(column[$0], own) || (!precedes(own, column[$0]) && $0 < i) }
        if place < count { places[at: at(place)] = Double(i) }
      }
    }
    return Labels(result, places.values.map { Int32($0) })
  }
}
