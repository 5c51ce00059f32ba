import Glibc
import SegKernels

extension Reference {
  /// Cross entropy of logits and labels. With p = softmax of a pixel's logits over the K classes, its label t, class
  /// weights w and the smoothing ε, its loss is
  ///
  ///     (1 − ε) · w[t] · (−log p[t]) + ε / K · Σ_k w[k] · (−log p[k])
  ///
  /// - Parameters:
  ///   - logits: `[N, K, …]`.
  ///   - labels: the classes of `[N, …]` in row-major order.
  ///   - ignoreIndex: the label of pixels that do not count.
  ///   - classWeights: `[K]`; 1 if absent.
  ///   - labelSmoothing: ε, in 0…1.
  ///   - focusing: γ; a pixel's loss is multiplied by (1 − p[t])^γ.
  ///   - hard: of a pixel that counts, p[t] is below the first number, or below the (second number + 1)-th smallest.
  /// - Returns: `[N, …]` for `.none`, else a scalar.
  public static func crossEntropy(
    _ logits: ReferenceArray, labels: [Int], ignoreIndex: Int = -100, classWeights: ReferenceArray? = nil,
    labelSmoothing: Double = 0, focusing: Double = 0, hard: (threshold: Double, minimum: Int)? = nil,
    reduction: LossReduction = .mean
  ) -> ReferenceArray {
    check(logits.rank >= 2, "crossEntropy", "expected logits of shape (N, K, …), found \(logits.shape)")
    let classes = logits.shape[1]
    let pixels = Shape([logits.shape[0]] + logits.shape.dimensions[2...])
    check(
      labels.count == pixels.elementCount, "crossEntropy", "\(labels.count) labels given for logits \(logits.shape)")
    let weights = classWeights?.values ?? [Double](repeating: 1, count: classes)
    check(weights.count == classes, "crossEntropy", "\(weights.count) class weights given for \(classes) classes")
    let logProbabilities = logSoftmax(logits, axis: 1)

    var losses = ReferenceArray(zeros: pixels)
    var weightOfCounted = 0.0
    let labelled = zip(indices(of: pixels), labels).filter { $0.1 != ignoreIndex }
    func probability(_ pixel: [Int], _ label: Int) -> Double {
      Glibc.exp(logProbabilities[at: [pixel[0], label] + pixel[1...]])
    }
    let ordered = labelled.map(probability).sorted()
    let bound =
      hard.map { $0.minimum < ordered.count ? max($0.threshold, ordered[$0.minimum]) : .infinity } ?? .infinity
    for (pixel, label) in labelled where probability(pixel, label) < bound {
      check((0..<classes).contains(label), "crossEntropy", "label \(label) is neither a class nor ignored")
      let surprise = (0..<classes).map { weights[$0] * -logProbabilities[at: [pixel[0], $0] + pixel[1...]] }
      losses[at: pixel] =
        ((1 - labelSmoothing) * surprise[label] + labelSmoothing / Double(classes) * surprise.reduce(0, +))
        * Glibc.pow(1 - probability(pixel, label), focusing)
      weightOfCounted += weights[label]
    }

    switch reduction {
    case .none: return losses
    case .sum: return sum(losses)
    case .mean: return divide(sum(losses), ReferenceArray([], [weightOfCounted]))
    }
  }
}
