/// The elements along an axis in order, and where they came from: values[i] = x[indices[i]] along the axis.
///
/// Stable: equal elements stay in order, descending too. NaN counts as larger than every number, as in PyTorch's `sort`.
/// The gradient goes through the values. Which element is where depends on the data, so that this cannot be captured:
/// inside `Graph.capture` it traps. Traps as well if there is no such axis.
///
/// - Parameters:
///   - x: of any shape.
///   - axis: negative axes count from the end.
///   - descending: largest first.
public func sort(_ x: Tensor, axis: Int, descending: Bool = false) -> (values: Tensor, indices: Labels) {
  let axis = x.shape.axis(axis, for: "sort")
  let indices = order(x, axis: axis, count: x.shape[axis], isDescending: descending, for: "sort")
  return (gather(x, axis: axis, indices: indices), indices)
}

/// The `k` largest elements along an axis, largest first, and where they came from; of equals, those with lower indices.
///
/// values[i] = x[indices[i]] along the axis. NaN counts as larger than every number, as in PyTorch's `topk`. The gradient
/// goes through the values. Cannot be captured: inside `Graph.capture` it traps. Traps as well if the axis has fewer than
/// `k` elements.
///
/// - Parameters:
///   - x: of any shape.
///   - k: how many elements.
///   - axis: negative axes count from the end.
public func topK(_ x: Tensor, k: Int, axis: Int) -> (values: Tensor, indices: Labels) {
  let axis = x.shape.axis(axis, for: "topK")
  check((0...x.shape[axis]).contains(k), "topK", "axis \(axis) of shape \(x.shape) does not have \(k) elements")
  let indices = order(x, axis: axis, count: k, isDescending: true, for: "topK")
  return (gather(x, axis: axis, indices: indices), indices)
}

/// The indices of the first `count` elements along an axis, were it in order.
private func order(_ x: Tensor, axis: Int, count: Int, isDescending: Bool, for operation: String) -> Labels {
  let extent = x.shape[axis], shape = x.shape.replacing(axis: axis, with: count)
  let columns = PairedColumns(shape, x.shape, axis: axis)
  let x = x.rowMajor(), p = x.pointer(for: operation)
  return Labels(uninitialized: shape) { y in
    guard let y = y.baseAddress, shape.elementCount > 0 else { return }
    columns.forEach { start, source, width in
      withUnsafeTemporaryAllocation(of: UInt64.self, capacity: extent) { ranks in
        for column in 0..<width {
          for i in 0..<extent {
            ranks[i] = rank(p[source + column + i * columns.otherStep], i, isDescending: isDescending)
          }
          bringForward(count, of: ranks)
          for i in 0..<count { y[start + column + i * columns.step] = Int32(truncatingIfNeeded: ranks[i]) }
        }
      }
    }
    withExtendedLifetime(x) {}
  }
}

/// A number that grows with the value (or falls), and among equals with the index, which its low half holds: ranks are
/// all different, so that any sorting of them is stable.
@inline(__always)
private func rank(_ value: Float, _ index: Int, isDescending: Bool) -> UInt64 {
  // −0 equals 0. Negative floats grow with falling bits.
  let bits = value == 0 ? 0 : value.bitPattern
  let key = value.isNaN ? .max : (bits >> 31 == 1 ? ~bits : bits | 1 << 31)
  return UInt64(isDescending ? ~key : key) << 32 | UInt64(UInt32(truncatingIfNeeded: index))
}

/// Puts the lowest `count` of all ranks first, in order.
private func bringForward(_ count: Int, of ranks: UnsafeMutableBufferPointer<UInt64>) {
  // A few are kept in order while the others pass by, and most of them are too large to enter.
  let isFew = count <= 64 && count < ranks.count
  var leading = UnsafeMutableBufferPointer(rebasing: isFew ? ranks[..<count] : ranks[...])
  leading.sort()
  guard isFew, let p = ranks.baseAddress else { return }
  for i in count..<ranks.count where p[i] < p[count - 1] {
    let rank = p[i]
    var place = count - 1
    while place > 0, p[place - 1] > rank {
      p[place] = p[place - 1]
      place -= 1
    }
    p[place] = rank
  }
}
