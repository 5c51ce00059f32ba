import CSegKernels

/// Labels as numbers: 1 in the channel of each label's class, 0 in the others; N×H×W becomes N×C×H×W.
///
/// y[n, c, h, w] = [labels[n, h, w] = c]. Labels equal to `ignoreIndex` are 0 in all channels. Labels are data, not
/// values that a tape follows: there is no gradient, and a captured graph holds the result as a constant. Traps at a
/// label that is neither a class nor `ignoreIndex`.
///
/// - Parameters:
///   - labels: N×…, each 0..<C or `ignoreIndex`.
///   - classes: C.
///   - axis: where the classes stand in the result, 1 (the channels) by default; negative axes count from the end.
///   - ignoreIndex: the label that is 0 in all channels.
public func oneHot(_ labels: Labels, classes: Int, axis: Int = 1, ignoreIndex: Int = -100) -> Tensor {
  let rank = labels.shape.rank + 1, place = axis < 0 ? axis + rank : axis
  check(
    (0..<rank).contains(place) && classes >= 0, "oneHot",
    "axis \(axis) for \(classes) classes does not exist beside shape \(labels.shape)")
  labels.checkClasses(classes, ignoreIndex: Int32(ignoreIndex), for: "oneHot")
  let shape = Shape(labels.shape[..<place] + [classes] + labels.shape[place...])
  let axes = AxisRuns(shape, axis: place, for: "oneHot"), kernels = kernels
  return Tensor(uninitialized: shape) { y in
    labels.withUnsafeBufferPointer { labels in
      guard let y = y.baseAddress, let labels = labels.baseAddress, shape.elementCount > 0 else { return }
      axes.forEach { kernels.markClasses(labels + $1, Int32(classes), axes.inner, y + $0, $2) }
    }
  }
}
