import SegKernels

/// The class-weighted cross entropy of InverseForm's released code: for each image the mean weighted by 2 − share of the
/// class in the batch (1 where it does not occur), summed over the images. Images without labels add nothing.
///
/// A sum, it grows with the batch, and rates must be chosen for that.
///
/// - Parameters:
///   - logits: N×C×H×W.
///   - labels: N×H×W.
///   - ignoreIndex: the label of pixels that do not count.
///   - isWeighted: without it every pixel of an image counts alike.
///   - group: the processes that hold the batch together; the result is then this one's term of a sum over them.
public func releasedCrossEntropy(
  _ logits: Tensor, _ labels: Labels, ignoreIndex: Int, isWeighted: Bool = true, over group: (any BatchGroup)? = nil
) -> Tensor {
  let own = pixelCounts(labels, classes: logits.shape[1]).map { Double($0) }, counts = group?.sum(own) ?? own
  let weights = isWeighted ? batchClassWeights(counts: counts) : nil
  let area = labels.count / max(labels.shape[0], 1)
  let losses = (0..<labels.shape[0]).compactMap { image -> Tensor? in
    let own = Labels(Shape([1] + labels.shape.dropFirst()), Array(labels.values[(image * area)..<((image + 1) * area)]))
    guard own.values.contains(where: { $0 != ignoreIndex }) else { return nil }
    return crossEntropy(
      logits.slice(axis: 0, image..<(image + 1)), own, ignoreIndex: ignoreIndex, classWeights: weights)
  }
  return losses.dropFirst().reduce(losses.first ?? logits.sum() * 0, +)
}
