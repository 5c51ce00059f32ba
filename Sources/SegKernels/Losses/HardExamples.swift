import CSegKernels
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
  ///
  /// - Parameter surprise: −log p of each label.
  func chosen(_ labels: Labels, _ surprise: Tensor, ignoreIndex: Int32) -> Labels {
    labels.withUnsafeBufferPointer { own in
      surprise.withUnsafeBufferPointer { surprise in
        guard let own = own.baseAddress, let surprise = surprise.baseAddress else { return labels }
        let labelled = [Float](unsafeUninitializedCapacity: labels.count) { labelled, count in
          for i in 0..<labels.count where own[i] != ignoreIndex {
            labelled[count] = max(surprise[i], 0)
            count += 1
          }
        }
        let least =
          switch minimum {
          case .share(let share): Int((share * Float(labelled.count)).rounded(.up))
          case .count(let count): count
          }
        guard labelled.count > least else { return labels }
        var bound = -logf(threshold)
        let hard = labelled.withUnsafeBufferPointer { $0.reduce(0) { $0 + ($1 > bound ? 1 : 0) } }
        if hard < least {
          let next = labelled.withUnsafeBufferPointer { descendingOrder($0)[least] }
          bound = labelled[Int(next)]
        }
        return Labels(uninitialized: labels.shape) { chosen in
          let chosen = chosen.baseAddress!
          parallelRuns(labels.count) { for i in $0 { chosen[i] = surprise[i] > bound ? own[i] : ignoreIndex } }
        }
      }
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
    checkClasses(classes, ignoreIndex: ignoreIndex, for: operation)
    return tally(classes: classes, ignoreIndex: ignoreIndex)
  }

  /// Pixels of each class, of labels that have been checked.
  func tally(classes: Int, ignoreIndex: Int32) -> [Int] {
    let grain = 1 << 16, kernels = kernels
    var parts = [Int64](repeating: 0, count: ceilingDivide(count, grain) * classes)
    parts.withUnsafeMutableBufferPointer { parts in
      withUnsafeBufferPointer { labels in
        guard let parts = parts.baseAddress, let labels = labels.baseAddress else { return }
        parallelRuns(count, grain: grain) {
          let own = parts + $0.lowerBound / grain * classes
          kernels.countClasses(labels + $0.lowerBound, $0.count, Int32(classes), ignoreIndex, own)
        }
      }
    }
    return (0..<classes).map { c in stride(from: c, to: parts.count, by: classes).reduce(0) { $0 + Int(parts[$1]) } }
  }
}
