/// The Lovász-Softmax loss: a surrogate of 1 − IoU of each class that is piecewise linear in the errors.
///
/// With the errors e_i = |[y_i = c] − p_i| of a class sorted, largest first, loss_c = Σ e_i (J_i − J_{i−1}), where J_i is the
/// Jaccard loss of a prediction that is wrong at the first i pixels. Over the labelled pixels of the batch; reduced over
/// the classes that occur in the labels; the others are 0 and left out of the mean, which is NaN where no pixel is
/// labelled. Berman, Rannen Triki and Blaschko, 2018, algorithm 1.
///
/// - Parameters:
///   - probabilities: N×C×…, the softmax of logits.
///   - labels: N×…, each 0..<C or `ignoreIndex`; anything else traps.
///   - ignoreIndex: the label of pixels that do not count.
///   - reduction: `none` gives C numbers.
public func lovaszLoss(
  _ probabilities: Tensor, _ labels: Labels, ignoreIndex: Int = -100, reduction: LossReduction = .mean
) -> Tensor {
  apply(
    LovaszLossOperation(labels: labels, ignoreIndex: Int32(ignoreIndex), reduction: reduction), to: probabilities)
}

/// The loss is linear in the probabilities as long as their order stays: forward keeps the slopes, backward scales them.
struct LovaszLossOperation: TensorOperation {
  let labels: Labels
  let ignoreIndex: Int32
  let reduction: LossReduction

  let name = "lovaszLoss"
  var attributes: [(name: String, value: Attribute)] {
    [("ignoreIndex", .integer(Int(ignoreIndex))), ("reduction", .text(reduction.rawValue))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    labels.checkPixels(of: inputs[0], for: name)
    return [reduction == .none ? [inputs[0][1]] : []]
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let shape = inputs[0].shape, classes = shape[1], area = shape[2...].reduce(1, *)
    let counts = labels.counts(classes: classes, ignoreIndex: ignoreIndex, for: name)
    // Where the labelled pixels are, as places in class 0's planes of the scores.
    let pixels = labels.values.indices.filter { labels.values[$0] != ignoreIndex }
    var losses = [Float](repeating: 0, count: classes)
    var slopes = Tensor.zeros(context.isRecording ? shape : [0])
    slopes.withUnsafeMutableBufferPointer { slopes in
      losses.withUnsafeMutableBufferPointer { losses in
        guard let losses = losses.baseAddress, !pixels.isEmpty else { return }
        let p = inputs[0].pointer(for: name), slopes = context.isRecording ? slopes.baseAddress : nil
        labels.withUnsafeBufferPointer { labels in
          parallelFor(classes) { c in
            guard counts[c] > 0 else { return }
            func place(_ pixel: Int) -> Int { (pixel / area * classes + c) * area + pixel % area }
            let errors = pixels.map { abs((labels[$0] == c ? 1 : 0) - p[place($0)]) }
            var loss = 0.0, before = 0.0, hits = Double(counts[c]), union = hits
            for rank in errors.withUnsafeBufferPointer(descendingOrder) {
              let pixel = pixels[Int(rank)], isOwn = labels[pixel] == c
              if isOwn { hits -= 1 } else { union += 1 }
              let jaccard = 1 - hits / union
              loss += Double(errors[Int(rank)]) * (jaccard - before)
              slopes?[place(pixel)] = Float(isOwn ? before - jaccard : jaccard - before)
              before = jaccard
            }
            losses[c] = Float(loss)
          }
        }
        withExtendedLifetime(inputs) {}
      }
    }
    if context.isRecording {
      context.saved = [slopes]
      context.savedIndices = [Labels([classes], counts.map { $0 > 0 ? 1 : 0 })]
    }
    return [reduction.apply(Tensor([classes], losses), counting: counts.map { $0 > 0 })]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let shape = context.inputShapes[0], counting = context.savedIndices[0].values.map { $0 > 0 }
    let reach = reduction.reach(gradients[0]!, counting: counting)
    let factors = Tensor(Shape([shape[1]] + shape[2...].map { _ in 1 }), reach)
    return [context.saved[0] * factors]
  }
}
