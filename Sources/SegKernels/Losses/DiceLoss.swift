/// How little the probabilities of each class overlap with its pixels: 1 − (2 Σ p·y + s) / (Σ p + Σ y + s), sums over the
/// labelled pixels of the batch.
///
/// A class counts as much as any other, however small it is. Reduced over the classes that occur in the labels; the
/// others are 0 and left out of the mean, which is NaN where no pixel is labelled. Milletari, Navab and Ahmadi, "V-Net",
/// 2016, with plain sums below the line.
///
/// - Parameters:
///   - probabilities: N×C×…, the softmax of logits.
///   - labels: N×…, each 0..<C or `ignoreIndex`; anything else traps.
///   - ignoreIndex: the label of pixels that do not count.
///   - smoothing: s.
///   - reduction: `none` gives C numbers.
public func diceLoss(
  _ probabilities: Tensor, _ labels: Labels, ignoreIndex: Int = -100, smoothing: Float = 1,
  reduction: LossReduction = .mean
) -> Tensor {
  apply(
    DiceLossOperation(labels: labels, ignoreIndex: Int32(ignoreIndex), smoothing: smoothing, reduction: reduction),
    to: probabilities)
}

struct DiceLossOperation: TensorOperation {
  let labels: Labels
  let ignoreIndex: Int32
  let smoothing: Float
  let reduction: LossReduction

  let name = "diceLoss"
  var attributes: [(name: String, value: Attribute)] {
    [
      ("ignoreIndex", .integer(Int(ignoreIndex))), ("smoothing", .real(smoothing)),
      ("reduction", .text(reduction.rawValue)),
    ]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    labels.checkPixels(of: inputs[0], for: name)
    return [reduction == .none ? [inputs[0][1]] : []]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 2 * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let sums = sums(inputs[0])
    if context.isRecording { context.saved = inputs }
    let losses = Tensor(
      [sums.count], sums.map { $0.pixels > 0 ? Float(1 - (2 * $0.overlap + Double(smoothing)) / $0.whole) : 0 })
    return [reduction.apply(losses, counting: sums.map { $0.pixels > 0 })]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let probabilities = context.saved[0], shape = probabilities.shape, sums = sums(probabilities)
    let reach = reduction.reach(gradients[0]!, counting: sums.map { $0.pixels > 0 })
    let (classes, area) = (shape[1], shape[2...].reduce(1, *))
    return [
      Tensor(uninitialized: shape) { dx in
        guard let dx = dx.baseAddress, shape.elementCount > 0 else { return }
        labels.withUnsafeBufferPointer { labels in
          parallelFor(shape[0] * classes) { plane in
            let (n, c) = plane.quotientAndRemainder(dividingBy: classes)
            // By every labelled pixel's probability, and by those of the class.
            let all = Float(
              Double(reach[c]) * (2 * sums[c].overlap + Double(smoothing)) / (sums[c].whole * sums[c].whole))
            let own = all - Float(2 * Double(reach[c]) / sums[c].whole)
            for i in 0..<area {
              let label = labels[n * area + i]
              dx[plane * area + i] = label == ignoreIndex ? 0 : label == c ? own : all
            }
          }
        }
      }
    ]
  }

  /// Of a class: Σ p·y; Σ p + Σ y + s; its pixels.
  private func sums(_ probabilities: Tensor) -> [(overlap: Double, whole: Double, pixels: Int)] {
    let shape = probabilities.shape, (classes, area) = (shape[1], shape[2...].reduce(1, *))
    let pixels = labels.counts(classes: classes, ignoreIndex: ignoreIndex, for: name)
    // Plane by plane, so that sums do not depend on the number of threads.
    var parts = [(overlap: Double, mass: Double)](repeating: (0, 0), count: shape[0] * classes)
    parts.withUnsafeMutableBufferPointer { parts in
      guard let parts = parts.baseAddress, shape.elementCount > 0 else { return }
      let p = probabilities.pointer(for: name)
      labels.withUnsafeBufferPointer { labels in
        parallelFor(shape[0] * classes) { plane in
          let (n, c) = plane.quotientAndRemainder(dividingBy: classes)
          var part = (overlap: 0.0, mass: 0.0)
          for i in 0..<area where labels[n * area + i] != ignoreIndex {
            let value = Double(p[plane * area + i])
            part.mass += value
            if labels[n * area + i] == c { part.overlap += value }
          }
          parts[plane] = part
        }
      }
      withExtendedLifetime(probabilities) {}
    }
    return (0..<classes).map { c in
      let own = stride(from: c, to: parts.count, by: classes).map { parts[$0] }
      let mass = own.reduce(0) { $0 + $1.mass }
      return (own.reduce(0) { $0 + $1.overlap }, mass + Double(pixels[c]) + Double(smoothing), pixels[c])
    }
  }
}

extension LossReduction {
  /// Reduces losses of which some do not count.
  func apply(_ losses: Tensor, counting: [Bool]) -> Tensor {
    switch self {
    case .none: losses
    case .sum: losses.sum()
    case .mean: losses.sum() / Float(counting.count { $0 })
    }
  }

  /// What reaches each loss of the gradient of the reduced ones; 0 for those that do not count.
  func reach(_ gradient: Tensor, counting: [Bool]) -> [Float] {
    let incoming = gradient.scalars, share = self == .mean ? 1 / Float(counting.count { $0 }) : 1
    return counting.indices.map { counting[$0] ? (self == .none ? incoming[$0] : incoming[0] * share) : 0 }
  }
}
