/// Labels as numbers: 1 in the channel of each label's class, 0 in the others; N×H×W becomes N×C×H×W.
///
/// y[n, c, h, w] = [labels[n, h, w] = c]. Labels equal to `ignoreIndex` are 0 in all channels. Labels are data, not
/// values that a tape follows: there is no gradient, and a captured graph holds the result as a constant. Traps at a
/// label that is neither a class nor `ignoreIndex`.
///
/// - Parameters:
///   - classes: C.
///   - axis: where the classes stand in the result, 1 (the channels) by default; negative axes count from the end.
public func oneHot(_ labels: Labels, classes: Int, axis: Int = 1, ignoreIndex: Int = -100) -> Tensor {
  let rank = labels.shape.rank + 1, place = axis < 0 ? axis + rank : axis
  check(
    (0..<rank).contains(place) && classes >= 0, "oneHot",
    "axis \(axis) for \(classes) classes does not exist beside shape \(labels.shape)")
  let inner = labels.shape[place...].reduce(1, *)
  var y = Tensor.zeros(Shape(labels.shape[..<place] + [classes] + labels.shape[place...]))
  y.withUnsafeMutableBufferPointer { y in
    labels.withUnsafeBufferPointer { labels in
      guard let labels = labels.baseAddress else { return }
      parallelRuns(y.count / max(classes, 1)) { run in
        for i in run {
          let label = Int(labels[i])
          guard label != ignoreIndex else { continue }
          check(
            label >= 0 && label < classes, "oneHot", "label \(label) is neither 0..<\(classes) nor \(ignoreIndex)")
          y.baseAddress![(i / inner * classes + label) * inner + i % inner] = 1
        }
      }
    }
  }
  return y
}
