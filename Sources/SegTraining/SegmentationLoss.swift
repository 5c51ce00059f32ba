import SegKernels

/// The losses of a recipe, as a function of logits and labels.
public struct SegmentationLoss: Sendable {
  /// The recipe's part.
  public let recipe: Recipe.Loss
  /// A weight for each class; nil where all count the same, or where every batch has weights of its own.
  private let classWeights: Tensor?

  /// Losses as a recipe asks for them, by default plain cross entropy.
  ///
  /// - Parameter classWeights: what ``Recipe/Loss/Weights/weights(for:)`` found in the data.
  public init(_ recipe: Recipe.Loss = Recipe.Loss(), classWeights: Tensor? = nil) {
    self.recipe = recipe
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
    var terms: [Tensor] = []
    if recipe.crossEntropy > 0 {
      terms.append(
        entropy(logits, labels, ignoreIndex, isWeighted: progress < recipe.weightedShare) * recipe.crossEntropy)
    }
    guard recipe.dice > 0 || recipe.lovasz > 0 || recipe.regionMutualInformation > 0 else { return terms[0] }
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

  private func entropy(_ logits: Tensor, _ labels: Labels, _ ignoreIndex: Int, isWeighted: Bool) -> Tensor {
    let known = recipe.classWeights == .batch ? batchClassWeights(labels, classes: logits.shape[1]) : classWeights
    let weights = isWeighted ? known : nil
    let minimum = recipe.hardCount > 0 ? HardExamples.Minimum.count(recipe.hardCount) : .share(recipe.hardShare)
    let hard = recipe.hardThreshold > 0 ? HardExamples(threshold: recipe.hardThreshold, minimum: minimum) : nil
    if recipe.focusing > 0 {
      return focalLoss(
        logits, labels, focusing: recipe.focusing, ignoreIndex: ignoreIndex, classWeights: weights, hardExamples: hard)
    }
    return SegKernels.crossEntropy(
      logits, labels, ignoreIndex: ignoreIndex, classWeights: weights, labelSmoothing: recipe.labelSmoothing,
      hardExamples: hard)
  }
}

extension Recipe.Loss {
  /// What is wrong, one sentence each.
  var problems: [String] {
    var problems: [String] = []
    func require(_ condition: Bool, _ problem: String) { if !condition { problems.append(problem) } }
    require((0..<1).contains(labelSmoothing), "loss.labelSmoothing: expected 0..<1, found \(labelSmoothing)")
    require(focusing >= 0, "loss.focusing: expected at least 0, found \(focusing)")
    require(focusing == 0 || labelSmoothing == 0, "loss.focusing: expected no labelSmoothing beside it")
    require((0...1).contains(hardThreshold), "loss.hardThreshold: expected 0...1, found \(hardThreshold)")
    require((0...1).contains(hardShare), "loss.hardShare: expected 0...1, found \(hardShare)")
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
    require(consistency >= 0, "loss.consistency: expected at least 0, found \(consistency)")
    require(
      consistency == 0 || (boundary == 0 && inverseForm == 0), "loss.consistency: expected no boundary terms beside it")
    return problems
  }
}
