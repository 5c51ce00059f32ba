import Glibc

/// Online hard example mining: the loss is taken over the pixels that the network is not sure of, and over a least number.
///
/// A pixel counts if the probability of its label lies below `threshold`, and in any case if it is among the least
/// probable `minimum` of all labelled pixels of the batch. Which pixels these are has no gradient. Shrivastava, Gupta and
/// Girshick, 2016; threshold and minimum as in the published code of segmentation networks (HRNet, PSPNet).
public struct HardExamples: Sendable, Hashable {
  /// How many pixels count at least.
  public enum Minimum: Sendable, Hashable {
    /// A share of the labelled pixels, 0…1.
    case share(Float)
    /// A number of pixels; the published recipes say 100,000 to 131,072 for 1024×1024 crops.
    case count(Int)
  }

  /// Pixels whose label is at least as probable are easy.
  public var threshold: Float
  /// How many pixels count at least.
  public var minimum: Minimum

  /// A choice of pixels.
  public init(threshold: Float = 0.7, minimum: Minimum = .share(1 / 16)) {
    self.threshold = threshold
    self.minimum = minimum
  }

  /// The labels with those of easy pixels replaced by `ignoreIndex`.
  func chosen(_ labels: Labels, _ logProbabilities: Tensor, ignoreIndex: Int32, for operation: String) -> Labels {
    let axes = AxisRuns(logProbabilities.shape, axis: 1, for: operation)
    // −log p of each label; −1 where a pixel is ignored.
    let surprise = Tensor(uninitialized: labels.shape) { surprise in
      guard let surprise = surprise.baseAddress, labels.count > 0 else { return }
      let p = logProbabilities.pointer(for: operation)
      labels.withUnsafeBufferPointer { labels in
        axes.forEach { start, flat, count in
          for i in 0..<count {
            let label = labels[flat + i]
            guard label != ignoreIndex else {
              surprise[flat + i] = -1
              continue
            }
            check(
              label >= 0 && label < axes.extent, operation,
              "label \(label) is neither 0..<\(axes.extent) nor \(ignoreIndex)")
            surprise[flat + i] = max(-p[start + i + Int(label) * axes.inner], 0)
          }
        }
      }
    }
    return surprise.withUnsafeBufferPointer { surprise in
      let labelled = surprise.filter { $0 >= 0 }
      let least =
        switch minimum {
        case .share(let share): Int((share * Float(labelled.count)).rounded(.up))
        case .count(let count): count
        }
      guard labelled.count > least else { return labels }
      var bound = -logf(threshold)
      if labelled.count(where: { $0 > bound }) < least {
        let next = labelled.withUnsafeBufferPointer { descendingOrder($0)[least] }
        bound = labelled[Int(next)]
      }
      return Labels(labels.shape, zip(labels.values, surprise).map { $1 > bound ? $0 : ignoreIndex })
    }
  }
}

extension Labels {
  /// Traps unless these are the labels N×… of scores N×C×….
  func checkPixels(of scores: Shape, for operation: String) {
    check(scores.rank >= 2, operation, "expected scores N×C×…, found shape \(scores)")
    let expected = Shape([scores[0]] + scores[2...])
    check(shape == expected, operation, "scores of shape \(scores) take labels of shape \(expected), found \(shape)")
  }

  /// Pixels of each class. Traps at a label that is neither a class nor `ignoreIndex`.
  func counts(classes: Int, ignoreIndex: Int32, for operation: String) -> [Int] {
    var counts = [Int](repeating: 0, count: classes)
    withUnsafeBufferPointer { labels in
      for label in labels where label != ignoreIndex {
        check(
          label >= 0 && label < classes, operation, "label \(label) is neither 0..<\(classes) nor \(ignoreIndex)")
        counts[Int(label)] += 1
      }
    }
    return counts
  }
}
