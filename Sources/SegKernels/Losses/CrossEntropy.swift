import CSegKernels

/// The cross entropy of logits and labels, pixel by pixel.
///
/// loss = −Σ_c a_c · log softmax(x)_c with a_c = (1 − s) · w_y · [c = y] + s/C · w_c for label y, weights w and
/// smoothing s. The mean divides by Σ w_y. Semantics as PyTorch's `cross_entropy`.
///
/// - Parameters:
///   - logits: N×C×…
///   - labels: N×…, each 0..<C or `ignoreIndex`; anything else traps.
///   - ignoreIndex: the label of pixels that do not count.
///   - classWeights: C numbers.
///   - labelSmoothing: s, the share of the target that all classes share.
///   - hardExamples: which pixels count; all others are treated as ignored.
///   - reduction: how the pixels become one number.
public func crossEntropy(
  _ logits: Tensor, _ labels: Labels, ignoreIndex: Int = -100, classWeights: Tensor? = nil, labelSmoothing: Float = 0,
  hardExamples: HardExamples? = nil, reduction: LossReduction = .mean
) -> Tensor {
  apply(
    CrossEntropyOperation(
      labels: labels, ignoreIndex: Int32(ignoreIndex), classWeights: classWeights?.scalars,
      labelSmoothing: labelSmoothing, focusing: 0, hardExamples: hardExamples, reduction: reduction), to: logits)
}

/// The cross entropy of logits and a distribution at each pixel, such as a teacher's probabilities: the mean over pixels
/// of −Σ_c t_c · log softmax(x)_c.
///
/// With all of t at one class it is the cross entropy of that label. Traps unless the shapes are the same.
///
/// - Parameters:
///   - logits: N×C×…
///   - targets: N×C×…, each at least 0, those of a pixel adding up to 1.
public func crossEntropy(_ logits: Tensor, targets: Tensor) -> Tensor {
  check(
    logits.shape == targets.shape, "crossEntropy",
    "expected targets of the logits' shape \(logits.shape), found \(targets.shape)")
  return -(targets * logSoftmax(logits)).sum(axes: [1]).mean()
}

/// Cross entropy in which pixels that are right already count little: loss = −w_y (1 − p)^γ log p, p the probability of
/// the label y.
///
/// The mean divides by Σ w_y. Lin et al., "Focal Loss for Dense Object Detection", 2017 (α is `classWeights`).
///
/// - Parameters:
///   - logits: N×C×…
///   - labels: N×…, each 0..<C or `ignoreIndex`; anything else traps.
///   - focusing: γ ≥ 0; 0 is cross entropy.
///   - ignoreIndex: the label of pixels that do not count.
///   - classWeights: C numbers.
///   - hardExamples: which pixels count; all others are treated as ignored.
///   - reduction: how the pixels become one number.
public func focalLoss(
  _ logits: Tensor, _ labels: Labels, focusing: Float = 2, ignoreIndex: Int = -100, classWeights: Tensor? = nil,
  hardExamples: HardExamples? = nil, reduction: LossReduction = .mean
) -> Tensor {
  apply(
    CrossEntropyOperation(
      labels: labels, ignoreIndex: Int32(ignoreIndex), classWeights: classWeights?.scalars, labelSmoothing: 0,
      focusing: focusing, hardExamples: hardExamples, reduction: reduction), to: logits)
}

struct CrossEntropyOperation: TensorOperation {
  let labels: Labels
  let ignoreIndex: Int32
  let classWeights: [Float]?
  let labelSmoothing: Float
  /// The exponent of 1 − p; not together with smoothing.
  let focusing: Float
  let hardExamples: HardExamples?
  let reduction: LossReduction

  var name: String { focusing == 0 ? "crossEntropy" : "focalLoss" }
  var attributes: [(name: String, value: Attribute)] {
    [
      ("ignoreIndex", .integer(Int(ignoreIndex))), ("labelSmoothing", .real(labelSmoothing)),
      ("focusing", .real(focusing)), ("reduction", .text(reduction.rawValue)),
    ]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let x = inputs[0]
    labels.checkPixels(of: x, for: name)
    check(focusing >= 0, name, "the focusing exponent must not be negative, found \(focusing)")
    check(
      classWeights.map { $0.count == x[1] } ?? true, name,
      "expected \(x[1]) class weights, found \(classWeights?.count ?? 0)")
    return [reduction == .none ? labels.shape : []]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 6 * inputs[0].elementCount }

  /// Makes losses and, where a gradient is wanted, their slopes in one pass over the logits.
  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0], classes = x.shape[1], ignored = ignoreIndex
    let weights = classWeights ?? [Float](repeating: 1, count: classes)
    var labels = labels
    labels.checkClasses(classes, ignoreIndex: ignored, for: name)
    if let hardExamples {
      let even = [Float](repeating: 1, count: classes)
      var plain = SKEntropy(weights: nil, weightSum: 0, smoothing: 0, focusing: 0, reach: 1, ignored: ignored)
      let surprise = losses(x, labels, even, &plain, slopes: nil)
      labels = hardExamples.chosen(labels, surprise, ignoreIndex: ignored)
    }
    let reach =
      reduction == .mean ? 1 / Float(labels.totalWeight(weights, ignoreIndex: ignored)) : 1
    var slopes = context.needsGradient[0] ? Tensor(uninitialized: x.shape, layout: .rowMajor) : nil
    var entropy = SKEntropy(
      weights: nil, weightSum: weights.reduce(0, +), smoothing: labelSmoothing, focusing: focusing, reach: reach,
      ignored: ignored)
    let losses = losses(x, labels, weights, &entropy, slopes: slopes?.exclusivePointer())
    if let slopes { context.saved = [slopes] }
    switch reduction {
    case .none: return [losses]
    case .sum: return [losses.sum()]
    case .mean: return [losses.sum() * reach]
    }
  }

  private func losses(
    _ x: Tensor, _ labels: Labels, _ weights: [Float], _ entropy: inout SKEntropy, slopes: UnsafeMutablePointer<Float>?
  ) -> Tensor {
    let axes = AxisRuns(x.shape, axis: 1, for: name), kernels = kernels
    guard x.count > 0 else { return .zeros(labels.shape) }
    return Tensor(uninitialized: labels.shape) { losses in
      let losses = losses.baseAddress!, p = x.pointer(for: name)
      weights.withUnsafeBufferPointer { weights in
        entropy.weights = weights.baseAddress
        withUnsafePointer(to: entropy) { entropy in
          labels.withUnsafeBufferPointer { labels in
            let labels = labels.baseAddress!
            axes.forEach { start, flat, count in
              kernels.crossEntropy(
                entropy, p + start, labels + flat, losses + flat, slopes.map { $0 + start }, Int32(axes.extent),
                axes.inner, count)
            }
          }
        }
      }
      withExtendedLifetime(x) {}
    }
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let slopes = context.saved[0], dy = gradients[0]!
    guard reduction == .none else { return [slopes.scaled(by: dy)] }
    let shape = slopes.shape
    return [slopes * dy.viewed(as: shape.replacing(axis: 1, with: 1))]
  }
}

extension Labels {
  /// Σ w_y over the pixels that count.
  fileprivate func totalWeight(_ weights: [Float], ignoreIndex: Int32) -> Double {
    zip(tally(classes: weights.count, ignoreIndex: ignoreIndex), weights).reduce(0.0) {
      $0 + Double($1.0) * Double($1.1)
    }
  }
}
