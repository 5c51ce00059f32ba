import SegDistributed
import SegKernels
import SegTraining

/// The InverseForm loss of a predicted and a true boundary map: the mean over tiles of how far the transform between
/// them, as a frozen inverse network sees it, is from none.
///
/// The prediction enters as the sigmoid of its logits. The released code enters its log-softmax over one channel, which
/// is 0 everywhere, and its first version a comparison; neither has a gradient.
public struct InverseFormLoss {
  /// The frozen network.
  public let network: any InverseNetwork
  /// How far a transform is from none.
  public var distance: TransformDistance
  /// The tiles; nil for three rows of them and as many columns as the aspect ratio asks for.
  public var layout: TileLayout?

  /// A loss by a network, whose parameters are frozen.
  public init(_ network: any InverseNetwork, distance: TransformDistance = .euclidean, layout: TileLayout? = nil) {
    self.network = network
    self.distance = distance
    self.layout = layout
    network.setTraining(false)
    for parameter in network.parameters { parameter.isFrozen = true }
  }

  /// The loss, a scalar.
  ///
  /// - Parameters:
  ///   - logits: N×1×H×W.
  ///   - target: of the same shape, zeros and ones.
  ///   - counted: 1 where a pixel counts and 0 where it is ignored, of the same shape; both maps are 0 there.
  public func callAsFunction(logits: Tensor, target: Tensor, counted: Tensor? = nil) -> Tensor {
    check(
      logits.shape == target.shape, "InverseFormLoss",
      "logits \(logits.shape) and target \(target.shape) differ in shape")
    return distance(coefficients(sigmoid(logits), target, counted), network.transform).mean()
  }

  /// What the network sees in each tile of two maps, tiles×k.
  public func coefficients(_ prediction: Tensor, _ target: Tensor, _ counted: Tensor? = nil) -> Tensor {
    let layout = layout ?? TileLayout(height: prediction.shape[2], width: prediction.shape[3])
    func tiles(_ map: Tensor) -> Tensor {
      layout.tiles(of: counted.map { map * $0 } ?? map, side: network.side)
    }
    return network(tiles(prediction), tiles(target))
  }
}

/// The sum of losses that InverseForm trains with.
///
///     total = CE + β · balanced BCE + γ · InverseForm (+ δ · edge attention) (+ ε · soft Dice of the boundaries)
///
/// Defaults are the released code's 1, 0.3, 0.3, and 0 for the edge attention (0.1 there), which the paper does not
/// have. The Dice term is a rival of InverseForm's in experiments.
public struct JointLoss {
  /// β and γ, δ and ε.
  public var boundary: Float = 0.3, inverseForm: Float = 0.3, attention: Float = 0, dice: Float = 0
  /// Boundary logits above this draw the edge attention. The released code compares logits with 0.8, and probabilities
  /// of the auxiliary pass with the same number.
  public var attentionThreshold: Float = 0.8
  /// The share of the run over which γ rises from 0; 0 for none.
  public var ramp: Float = 0.2
  /// Half of the width of true boundaries, in pixels.
  public var radius = 2
  /// The classes' own loss.
  public var segmentation: (Tensor, Labels, _ ignoreIndex: Int, _ progress: Float) -> Tensor
  /// The term in question; nil for none.
  public var inverse: InverseFormLoss?
  /// The processes that hold each batch together: the segmentation loss's.
  public let group: (any ProcessGroup)?

  /// Losses around a segmentation loss, by default plain cross entropy.
  public init(
    segmentation: SegmentationLoss = SegmentationLoss(), inverse: InverseFormLoss?
  ) {
    group = segmentation.group
    self.segmentation = { segmentation($0, $1, ignoreIndex: $2, progress: $3) }
    self.inverse = inverse
  }

  /// The loss of one pass, a scalar; with a group, this process's term of the sum over processes.
  ///
  /// - Parameters:
  ///   - logits: N×C×H×W, at the labels' size.
  ///   - boundary: N×1×H×W, logits.
  ///   - labels: N×H×W.
  ///   - progress: the share of the run that is done.
  public func callAsFunction(
    logits: Tensor, boundary: Tensor, _ labels: Labels, ignoreIndex: Int, progress: Float
  ) -> Tensor {
    let target = boundaryTarget(of: labels, radius: radius, ignoreIndex: ignoreIndex)
    let counted = Tensor(target.shape, labels.values.map { $0 == ignoreIndex ? 0 : 1 })
    var total = segmentation(logits, labels, ignoreIndex, progress)
    if self.boundary > 0 {
      total = total + balancedBoundaryEntropy(boundary, target, counted: counted, over: group) * self.boundary
    }
    if let inverse, inverseForm > 0 {
      // A mean over tiles, of which every process has as many.
      let weight = (ramp > 0 ? min(1, progress / ramp) : 1) / Float(group?.size ?? 1)
      if weight > 0 {
        total = total + inverse(logits: boundary, target: target, counted: counted) * (inverseForm * weight)
      }
    }
    if dice > 0 { total = total + boundaryDice(boundary, target, counted: counted) * dice }
    if attention > 0,
      let attended = labels.attended(by: boundary, above: attentionThreshold, ignoreIndex: ignoreIndex)
    {
      total = total + segmentation(logits, attended, ignoreIndex, progress) * attention
    }
    return total
  }
}

extension Labels {
  /// The labels where a boundary logit exceeds a threshold, all others ignored; nil where none is left, of which a mean
  /// would be NaN.
  package func attended(by boundary: Tensor, above threshold: Float, ignoreIndex: Int) -> Labels? {
    let ignored = Int32(ignoreIndex)
    var isEmpty = true
    let attended = boundary.withUnsafeBufferPointer { boundary in
      Labels(
        shape,
        values.indices.map { index in
          guard boundary[index] > threshold, values[index] != ignored else { return ignored }
          isEmpty = false
          return values[index]
        })
    }
    return isEmpty ? nil : attended
  }
}

/// Cross entropy in which boundary and other pixels weigh the same together: positives count as the share of negatives,
/// and negatives as that of positives; the mean runs over all pixels that count.
///
/// - Parameters:
///   - logits: N×1×H×W.
///   - target: of the same shape, zeros and ones.
///   - counted: 1 where a pixel counts; all by default.
///   - group: the processes that hold the batch together; the result is then this one's term of a sum over them.
public func balancedBoundaryEntropy(
  _ logits: Tensor, _ target: Tensor, counted: Tensor? = nil, over group: (any ProcessGroup)? = nil
) -> Tensor {
  let counted = counted ?? .ones(target.shape)
  let own = [Double(counted.sum().scalar), Double((target * counted).sum().scalar)], sums = group?.sum(own) ?? own
  let count = max(Float(sums[0]), 1), positives = Float(sums[1]) / count
  let weights = (target * (1 - positives) + (1 - target) * positives) * counted
  return binaryCrossEntropy(logits: logits, targets: target, weight: weights, reduction: .sum) / count
}

/// The soft Dice loss of boundaries, 1 − (2 Σ p t + 1) / (Σ p + Σ t + 1) with p = σ(logits), over the pixels that count
/// in all images together. The 1 keeps it defined where there is no boundary. Milletari et al. 2016 (arXiv 1606.04797),
/// whose denominator sums squares.
///
/// - Parameters:
///   - logits: N×1×H×W.
///   - target: of the same shape, zeros and ones.
///   - counted: 1 where a pixel counts; all by default.
public func boundaryDice(_ logits: Tensor, _ target: Tensor, counted: Tensor? = nil) -> Tensor {
  check(
    logits.shape == target.shape, "boundaryDice", "logits \(logits.shape) and target \(target.shape) differ in shape")
  let counted = counted ?? .ones(target.shape)
  let p = sigmoid(logits) * counted, t = target * counted
  return 1 - ((p * t).sum() * 2 + 1) / (p.sum() + t.sum().scalar + 1)
}

/// The released class-weighted cross entropy: for each image the mean weighted by 2 − share of the class in the batch
/// (1 where it does not occur), summed over the images. Images without labels add nothing.
///
/// - Parameters:
///   - logits: N×C×H×W.
///   - labels: N×H×W.
public func releasedCrossEntropy(_ logits: Tensor, _ labels: Labels, ignoreIndex: Int) -> Tensor {
  let weights = batchClassWeights(labels, classes: logits.shape[1])
  let area = labels.count / max(labels.shape[0], 1)
  let losses = (0..<labels.shape[0]).compactMap { image -> Tensor? in
    let own = Labels(Shape([1] + labels.shape.dropFirst()), Array(labels.values[(image * area)..<((image + 1) * area)]))
    guard own.values.contains(where: { $0 != ignoreIndex }) else { return nil }
    return crossEntropy(
      logits.slice(axis: 0, image..<(image + 1)), own, ignoreIndex: ignoreIndex, classWeights: weights)
  }
  return losses.dropFirst().reduce(losses.first ?? logits.sum() * 0, +)
}
