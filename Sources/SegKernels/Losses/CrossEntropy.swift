import CSegKernels
import Glibc

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
///   - hardExamples: which pixels count; all others are treated as ignored.
public func crossEntropy(
  _ logits: Tensor, _ labels: Labels, ignoreIndex: Int = -100, classWeights: Tensor? = nil, labelSmoothing: Float = 0,
  hardExamples: HardExamples? = nil, reduction: LossReduction = .mean
) -> Tensor {
  apply(
    CrossEntropyOperation(
      labels: labels, ignoreIndex: Int32(ignoreIndex), classWeights: classWeights?.scalars,
      labelSmoothing: labelSmoothing, focusing: 0, hardExamples: hardExamples, reduction: reduction), to: logits)
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

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let logProbabilities = logSoftmax(inputs[0])
    let axes = AxisRuns(inputs[0].shape, axis: 1, for: name)
    let classes = axes.extent
    let weights = classWeights ?? [Float](repeating: 1, count: classes)
    let labels =
      hardExamples?.chosen(self.labels, logProbabilities, ignoreIndex: ignoreIndex, for: name) ?? self.labels
    if context.isRecording {
      context.saved = [logProbabilities]
      context.savedIndices = [labels]
    }
    var losses = Tensor.zeros(labels.shape)
    losses.withUnsafeMutableBufferPointer { losses in
      guard let losses = losses.baseAddress, labels.count > 0 else { return }
      let p = logProbabilities.pointer(for: name)
      labels.withUnsafeBufferPointer { labels in
        axes.forEach { start, flat, count in
          for i in 0..<count {
            let label = labels[flat + i]
            guard label != ignoreIndex else { continue }
            check(label >= 0 && label < classes, name, "label \(label) is neither 0..<\(classes) nor \(ignoreIndex)")
            let own = p[start + i + Int(label) * axes.inner]
            var loss = -(1 - labelSmoothing) * weights[Int(label)] * own
            if focusing > 0 { loss *= powf(-expm1f(own), focusing) }
            if labelSmoothing > 0 {
              let smoothed = (0..<classes).reduce(Float(0)) { $0 - weights[$1] * p[start + i + $1 * axes.inner] }
              loss += labelSmoothing / Float(classes) * smoothed
            }
            losses[flat + i] = loss
          }
        }
      }
      withExtendedLifetime(logProbabilities) {}
    }
    switch reduction {
    case .none: return [losses]
    case .sum: return [losses.sum()]
    case .mean: return [losses.sum() / Float(totalWeight(labels, weights))]
    }
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let logProbabilities = context.saved[0], labels = context.savedIndices[0], shape = context.inputShapes[0]
    let axes = AxisRuns(shape, axis: 1, for: name), kernels = kernels
    let classes = axes.extent
    let weights = classWeights ?? [Float](repeating: 1, count: classes)
    let smoothed = weights.map { $0 * labelSmoothing / Float(classes) }
    let smoothedTotal = smoothed.reduce(0, +)
    let incoming = gradients[0]!.scalars
    let common = reduction == .mean ? incoming[0] / Float(totalWeight(labels, weights)) : incoming.first ?? 0
    return [
      Tensor(uninitialized: shape) { dx in
        guard let dx = dx.baseAddress, labels.count > 0 else { return }
        let p = logProbabilities.pointer(for: name)
        labels.withUnsafeBufferPointer { labels in
          axes.forEach { start, flat, count in
            withWorkspace(2 * count) { space in
              // Of each pixel: what reaches it, and that times the sum of its a_c.
              let (reach, mass) = (space, space + count)
              for i in 0..<count {
                let label = labels[flat + i]
                reach[i] = label == ignoreIndex ? 0 : (reduction == .none ? incoming[flat + i] : common)
                if focusing > 0, label != ignoreIndex {
                  reach[i] *= focusSlope(p[start + i + Int(label) * axes.inner])
                }
                let own = label == ignoreIndex ? 0 : (1 - labelSmoothing) * weights[Int(label)]
                mass[i] = reach[i] * (own + smoothedTotal)
              }
              // dx_c = mass · softmax_c − reach · a_c
              for c in 0..<classes {
                let row = start + c * axes.inner
                kernels.exponential(p + row, dx + row, count)
                kernels.multiply(dx + row, 1, mass, 1, dx + row, count)
                if labelSmoothing > 0 { for i in 0..<count { dx[row + i] -= reach[i] * smoothed[c] } }
              }
              for i in 0..<count where labels[flat + i] != ignoreIndex {
                let label = Int(labels[flat + i])
                dx[start + i + label * axes.inner] -= reach[i] * (1 - labelSmoothing) * weights[label]
              }
            }
          }
        }
        withExtendedLifetime(logProbabilities) {}
      }
    ]
  }

  /// d (1 − p)^γ log p / d log p = (1 − p)^γ − γ p (1 − p)^(γ−1) log p.
  private func focusSlope(_ logProbability: Float) -> Float {
    let rest = -expm1f(logProbability)
    return rest > 0 ? powf(rest, focusing) * (1 - focusing * (1 - rest) * logProbability / rest) : 0
  }

  /// Σ w_y over the pixels that count.
  private func totalWeight(_ labels: Labels, _ weights: [Float]) -> Double {
    labels.withUnsafeBufferPointer { labels in
      labels.reduce(0.0) { $1 == ignoreIndex ? $0 : $0 + Double(weights[Int($1)]) }
    }
  }
}
