import SegDistributed
import SegKernels

/// The losses of a recipe, as a function of logits and labels.
public struct SegmentationLoss: Sendable {
  /// The recipe's part.
  public let recipe: Recipe.Loss
  /// The processes that hold each batch together; nil where this one holds all of it.
  public let group: (any ProcessGroup)?
  /// A weight for each class; nil where all count the same, or where every batch has weights of its own.
  private let classWeights: Tensor?

  /// Losses as a recipe asks for them, by default plain cross entropy.
  ///
  /// - Parameters:
  ///   - recipe: the factors.
  ///   - classWeights: what ``Recipe/Loss/Weights/weights(for:)`` found in the data.
  ///   - group: with it, a call gets this process's samples and returns its term of a sum over processes, which is the
  ///     loss of the whole batch.
  public init(
    _ recipe: Recipe.Loss = Recipe.Loss(), classWeights: Tensor? = nil, group: (any ProcessGroup)? = nil
  ) {
    self.recipe = recipe
    self.group = group
    self.classWeights =
      recipe.classWeights == .list ? Tensor([recipe.classWeightList.count], recipe.classWeightList) : classWeights
  }

  /// The sum of the losses, a scalar.
  ///
  /// - Parameters:
  ///   - logits: N×C×H×W.
  ///   - labels: N×H×W.
  ///   - ignoreIndex: the label of pixels that do not count.
  ///   - progress: the share of the run that is done; class weights count below ``Recipe/Loss/weightedShare``.
  public func callAsFunction(_ logits: Tensor, _ labels: Labels, ignoreIndex: Int, progress: Float = 0) -> Tensor {
    let isWeighted = progress < recipe.weightedShare
    guard let group else { return sum(logits, labels, ignoreIndex, isWeighted: isWeighted) }
    // Cross entropy is a sum over pixels. The other losses are not: every process computes them of the whole batch.
    let hasOwn = recipe.crossEntropy > 0 && recipe.hardThreshold == 0
    let own = hasOwn ? ownEntropy(logits, labels, ignoreIndex, isWeighted: isWeighted, over: group) : nil
    guard !hasOwn || recipe.hasRegionTerms else { return own! }
    let whole = sum(
      gathered(logits, from: group), gathered(labels, from: group), ignoreIndex, isWeighted: isWeighted,
      withEntropy: !hasOwn)
    return own.map { $0 + whole / Float(group.size) } ?? whole / Float(group.size)
  }

  /// The losses of a batch that is here as a whole.
  private func sum(
    _ logits: Tensor, _ labels: Labels, _ ignoreIndex: Int, isWeighted: Bool, withEntropy: Bool = true
  ) -> Tensor {
    var terms: [Tensor] = []
    if recipe.crossEntropy > 0, withEntropy {
      terms.append(wholeEntropy(logits, labels, ignoreIndex, isWeighted: isWeighted) * recipe.crossEntropy)
    }
    guard recipe.hasRegionTerms else { return terms[0] }
    let probabilities = softmax(logits)
    if recipe.dice > 0 {
      terms.append(diceLoss(probabilities, labels, ignoreIndex: ignoreIndex) * recipe.dice)
    }
    if recipe.lovasz > 0 {
      terms.append(lovaszLoss(probabilities, labels, ignoreIndex: ignoreIndex) * recipe.lovasz)
    }
    if recipe.regionMutualInformation > 0 {
      let loss = regionMutualInformationLoss(probabilities, labels, ignoreIndex: ignoreIndex)
      terms.append(loss * recipe.regionMutualInformation)
    }
    return terms.dropFirst().reduce(terms[0], +)
  }

  /// The mean over the pixels of a batch that is here as a whole.
  private func wholeEntropy(_ logits: Tensor, _ labels: Labels, _ ignoreIndex: Int, isWeighted: Bool) -> Tensor {
    switch recipe.classWeights {
    case .released: return releasedCrossEntropy(logits, labels, ignoreIndex: ignoreIndex, isWeighted: isWeighted)
    case .batch where isWeighted:
      return entropy(logits, labels, ignoreIndex, batchClassWeights(labels, classes: logits.shape[1]), .mean)
    default: return entropy(logits, labels, ignoreIndex, isWeighted ? classWeights : nil, .mean)
    }
  }

  /// This process's term of the mean over a batch's pixels: its sum, over the weight of all processes' pixels.
  private func ownEntropy(
    _ logits: Tensor, _ labels: Labels, _ ignoreIndex: Int, isWeighted: Bool, over group: any ProcessGroup
  ) -> Tensor {
    if recipe.classWeights == .released {
      return releasedCrossEntropy(logits, labels, ignoreIndex: ignoreIndex, isWeighted: isWeighted, over: group)
        * recipe.crossEntropy
    }
    let counts = group.sum(pixelCounts(labels, classes: logits.shape[1]).map { Double($0) })
    let known = recipe.classWeights == .batch ? batchClassWeights(counts: counts) : classWeights
    let weights = isWeighted ? known : nil, each = weights?.scalars
    let total = counts.indices.reduce(0.0) { $1 == ignoreIndex ? $0 : $0 + counts[$1] * Double(each?[$1] ?? 1) }
    return entropy(logits, labels, ignoreIndex, weights, .sum) * (recipe.crossEntropy / Float(total))
  }

  private func entropy(
    _ logits: Tensor, _ labels: Labels, _ ignoreIndex: Int, _ weights: Tensor?, _ reduction: LossReduction
  ) -> Tensor {
    let minimum = recipe.hardCount > 0 ? HardExamples.Minimum.count(recipe.hardCount) : .share(recipe.hardShare)
    let hard = recipe.hardThreshold > 0 ? HardExamples(threshold: recipe.hardThreshold, minimum: minimum) : nil
    if recipe.focusing > 0 {
      return focalLoss(
        logits, labels, focusing: recipe.focusing, ignoreIndex: ignoreIndex, classWeights: weights, hardExamples: hard,
        reduction: reduction)
    }
    return SegKernels.crossEntropy(
      logits, labels, ignoreIndex: ignoreIndex, classWeights: weights, labelSmoothing: recipe.labelSmoothing,
      hardExamples: hard, reduction: reduction)
  }
}

extension Recipe.Loss {
  /// Whether there are losses of softmax probabilities beside the cross entropy.
  fileprivate var hasRegionTerms: Bool { dice > 0 || lovasz > 0 || regionMutualInformation > 0 }

  /// What is wrong, one sentence each.
  var problems: [String] {
    var problems: [String] = []
    func require(_ condition: Bool, _ problem: String) { if !condition { problems.append(problem) } }
    require((0..<1).contains(labelSmoothing), "loss.labelSmoothing: expected 0..<1, found \(labelSmoothing)")
    require(focusing >= 0, "loss.focusing: expected at least 0, found \(focusing)")
    require(focusing == 0 || labelSmoothing == 0, "loss.focusing: expected no labelSmoothing beside it")
    require((0...1).contains(hardThreshold), "loss.hardThreshold: expected 0...1, found \(hardThreshold)")
    require((0...1).contains(hardShare), "loss.hardShare: expected 0...1, found \(hardShare)")
    require(
      classWeights != .released || (labelSmoothing == 0 && focusing == 0 && hardThreshold == 0),
      "loss.classWeights: expected no labelSmoothing, focusing or hardThreshold beside 'released'")
    require(hardCount >= 0, "loss.hardCount: expected at least 0, found \(hardCount)")
    require((0...1).contains(weightedShare), "loss.weightedShare: expected 0...1, found \(weightedShare)")
    let isList = classWeights == .list
    require(
      isList != classWeightList.isEmpty && classWeightList.allSatisfy { $0 >= 0 && $0.isFinite },
      "loss.classWeightList: expected weights of at least 0 with classWeights: list, and only there")
    let factors = [crossEntropy, dice, lovasz, regionMutualInformation]
    require(
      factors.allSatisfy { $0 >= 0 } && factors.contains { $0 > 0 },
      "loss: expected factors of at least 0, one of them positive, found \(factors)")
    require(boundary >= 0, "loss.boundary: expected at least 0, found \(boundary)")
    require(inverseForm >= 0, "loss.inverseForm: expected at least 0, found \(inverseForm)")
    require(attention >= 0, "loss.attention: expected at least 0, found \(attention)")
    require(depth >= 0, "loss.depth: expected at least 0, found \(depth)")
    require(consistency >= 0, "loss.consistency: expected at least 0, found \(consistency)")
    require(consistency == 0 || !needsBoundary, "loss.consistency: expected no boundary terms beside it")
    return problems
  }
}
