import SegKernels
import SegTraining

/// MaskFormer's losses, whose factors are those of its matching as well.
struct MaskLoss {
  /// Of the cross entropy of classes.
  let classes: Float
  /// How much queries count there that no segment is matched with.
  let noObject: Float
  /// Of the masks' focal loss (γ = 2, α = 0.25).
  let focal: Float
  /// Of the masks' Dice loss.
  let dice: Float

  init(_ settings: Recipe.Panoptic) {
    (classes, noObject, focal, dice) = (settings.semantic, settings.noObject, settings.focal, settings.dice)
  }

  /// α of the focal loss.
  private var positive: Float { 0.25 }

  /// The loss of what one layer's queries say, once each segment has a query of its own.
  ///
  ///     class:  cross entropy over all queries, "none" where a query has no segment, weighed `noObject` there
  ///     focal:  mean over known pixels of T · α (1 − p)² log(1 + e⁻ˣ) + (V − T) · (1 − α) p² log(1 + eˣ)
  ///     Dice:   1 − (2 Σ p T + 1) / (Σ p V + Σ T + 1)
  ///
  /// p = σ(x), T a segment's share of a cell and V the known share; the last two are means over segments. Cheng,
  /// Schwing and Kirillov, "Per-Pixel Classification is Not All You Need", 2021, section 3.2 and release, which
  /// enlarges masks to the labels' size in place of making the labels coarser.
  func loss(_ layer: MaskFormer.Layer, _ targets: MaskTargets) -> Tensor {
    let shape = layer.classes.shape, (images, queries, outputs) = (shape[0], shape[1], shape[2])
    let segments = targets.masks.shape[1], area = targets.masks.shape[2]
    let matches = withoutGradients { self.matches(layer, targets) }
    var labels = [Int32](repeating: Int32(outputs - 1), count: images * queries)
    var chosen = [Float](repeating: 0, count: images * segments * queries)
    var present = [Float](repeating: 0, count: images * segments)
    for (image, own) in matches.enumerated() {
      for (segment, query) in own.enumerated() {
        guard let query else { continue }
        labels[image * queries + query] = Int32(targets.classes[image][segment])
        chosen[(image * segments + segment) * queries + query] = 1
        present[image * segments + segment] = 1
      }
    }
    let weights = [Float](repeating: 1, count: outputs - 1) + [noObject]
    let semantic = crossEntropy(
      layer.classes.permuted(0, 2, 1), Labels([images, queries], labels), classWeights: Tensor([outputs], weights))
    let x = matmul(Tensor([images, segments, queries], chosen), layer.masks.reshaped(images, queries, area))
    let parts = focalParts(x), p = sigmoid(x), known = targets.known, masks = targets.masks
    let area1 = maximum(known.sum(axes: [2]), Tensor(1))
    let focal = (masks * parts.yes + (known - masks) * parts.no).sum(axes: [2]) / area1
    let dice = 1 - (2 * (p * masks).sum(axes: [2]) + 1) / ((p * known).sum(axes: [2]) + masks.sum(axes: [2]) + 1)
    let count = Float(max(targets.count, 1))
    let shapes = (focal * self.focal + dice * self.dice) * Tensor([images, segments], present)
    return semantic * classes + shapes.sum() / count
  }

  /// For each image the query of every segment, by the least sum of costs: the losses of each pair, and the class's
  /// probability in place of its logarithm.
  func matches(_ layer: MaskFormer.Layer, _ targets: MaskTargets) -> [[Int?]] {
    let shape = layer.classes.shape, (images, queries, outputs) = (shape[0], shape[1], shape[2])
    let (masks, known) = (targets.masks, targets.known), segments = masks.shape[1], area = masks.shape[2]
    let x = layer.masks.reshaped(images, queries, area), parts = focalParts(x), p = sigmoid(x)
    // Queries × segments.
    let mass = known.sum(axes: [2], keepDimensions: true)
    let focal = (linear(parts.yes, weight: masks) + linear(parts.no, weight: known - masks)) / maximum(mass, Tensor(1))
    let sizes = masks.sum(axes: [2]).reshaped(images, 1, segments)
    let dice = 1 - (2 * linear(p, weight: masks) + 1) / (linear(p, weight: known) + sizes + 1)
    let pairs = (focal * self.focal + dice * self.dice).scalars, probabilities = softmax(layer.classes, axis: 2).scalars
    return targets.classes.enumerated().map { image, own in
      let costs = own.enumerated().map { segment, label in
        (0..<queries).map { query -> Double in
          let place = image * queries + query
          return Double(pairs[place * segments + segment]) - Double(classes * probabilities[place * outputs + label])
        }
      }
      return minimumCostAssignment(costs)
    }
  }

  /// What a pixel of a segment costs, and one beside it.
  private func focalParts(_ x: Tensor) -> (yes: Tensor, no: Tensor) {
    let p = sigmoid(x)
    return (softplus(-x) * (1 - p).square() * positive, softplus(x) * p.square() * (1 - positive))
  }
}
