import SegDistributed
import SegKernels
import SegTraining

/// The sum of losses that InverseForm trains with.
///
///     total = CE + β · balanced BCE + γ · InverseForm (+ δ · edge attention) (+ ε · soft Dice of the boundaries)
///             (+ ζ · |log depth − log truth|)
///
/// Defaults are the released code's 1, 0.3, 0.3, and 0 for the edge attention (0.1 there), which the paper does not
/// have. The Dice term is a rival of InverseForm's in experiments; the last is of networks that tell depth as well.
public struct JointLoss {
  /// β and γ, δ, ε and ζ.
  public var boundary: Float = 0.3, inverseForm: Float = 0.3, attention: Float = 0, dice: Float = 0, depth: Float = 0
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

  /// Losses with a recipe's factors.
  ///
  /// - Parameters:
  ///   - recipe: the factors.
  ///   - segmentation: the loss of the classes.
  ///   - inverse: called where the recipe has an InverseForm term.
  public init(
    _ recipe: Recipe.Loss, segmentation: SegmentationLoss, inverse: () throws -> any InverseNetwork
  ) rethrows {
    self.init(segmentation: segmentation, inverse: recipe.inverseForm > 0 ? InverseFormLoss(try inverse()) : nil)
    (boundary, inverseForm) = (recipe.boundary, recipe.inverseForm)
    (attention, depth) = (recipe.attention, recipe.depth)
  }

  /// The loss of one pass, a scalar; with a group, this process's term of the sum over processes.
  ///
  /// - Parameters:
  ///   - logits: N×C×H×W, at the labels' size.
  ///   - boundary: N×1×H×W, logits.
  ///   - told: N×1×H×W, ln of metres, and the true depth in metres, 0 where it is not known; nil for networks and data
  ///     without.
  ///   - labels: N×H×W.
  ///   - ignoreIndex: the label of pixels that do not count.
  ///   - progress: the share of the run that is done.
  public func callAsFunction(
    logits: Tensor, boundary: Tensor, depth told: (log: Tensor, truth: Tensor)? = nil, _ labels: Labels,
    ignoreIndex: Int, progress: Float
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
    if let told, depth > 0 { total = total + logDepthLoss(told.log, told.truth, over: group) * depth }
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
