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
public func crossEntropy(
  _ logits: Tensor, _ labels: Labels, ignoreIndex: Int = -100, classWeights: Tensor? = nil, labelSmoothing: Float = 0,
  reduction: LossReduction = .mean
) -> Tensor {
  apply(
    CrossEntropyOperation(
      labels: labels, ignoreIndex: Int32(ignoreIndex), classWeights: classWeights?.scalars,
      labelSmoothing: labelSmoothing, reduction: reduction), to: logits)
}

struct CrossEntropyOperation: TensorOperation {
  let labels: Labels
  let ignoreIndex: Int32
  let classWeights: [Float]?
  let labelSmoothing: Float
  let reduction: LossReduction

  let name = "crossEntropy"
  var attributes: [(name: String, value: Attribute)] {
    [
      ("ignoreIndex", .integer(Int(ignoreIndex))), ("labelSmoothing", .real(labelSmoothing)),
      ("reduction", .text(reduction.rawValue)),
    ]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let x = inputs[0]
    check(x.rank >= 2, name, "expected logits N×C×…, found shape \(x)")
    let expected = Shape([x[0]] + x[2...])
    check(
      labels.shape == expected, name, "logits of shape \(x) take labels of shape \(expected), found \(labels.shape)")
    check(
      classWeights.map { $0.count == x[1] } ?? true, name,
      "expected \(x[1]) class weights, found \(classWeights?.count ?? 0)")
    return [reduction == .none ? expected : []]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 6 * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let logProbabilities = logSoftmax(inputs[0])
    let axes = AxisRuns(inputs[0].shape, axis: 1, for: name)
    let classes = axes.extent
    let weights = classWeights ?? [Float](repeating: 1, count: classes)
    if context.isRecording { context.saved = [logProbabilities] }
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
            var loss = -(1 - labelSmoothing) * weights[Int(label)] * p[start + i + Int(label) * axes.inner]
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
    case .mean: return [losses.sum() / Float(totalWeight(weights))]
    }
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let logProbabilities = context.saved[0], shape = context.inputShapes[0]
    let axes = AxisRuns(shape, axis: 1, for: name), kernels = kernels
    let classes = axes.extent
    let weights = classWeights ?? [Float](repeating: 1, count: classes)
    let smoothed = weights.map { $0 * labelSmoothing / Float(classes) }
    let smoothedTotal = smoothed.reduce(0, +)
    let incoming = gradients[0]!.scalars
    let common = reduction == .mean ? incoming[0] / Float(totalWeight(weights)) : incoming.first ?? 0
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

  /// Σ w_y over the pixels that count.
  private func totalWeight(_ weights: [Float]) -> Double {
    labels.withUnsafeBufferPointer { labels in
      labels.reduce(0.0) { $1 == ignoreIndex ? $0 : $0 + Double(weights[Int($1)]) }
    }
  }
}
