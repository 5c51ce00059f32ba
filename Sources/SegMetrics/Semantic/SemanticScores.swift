import SegKernels

/// What a confusion matrix says, as values that can be written down: shares of 1, nil where a score is not defined.
public struct SemanticScores: Sendable, Hashable, Codable {
  /// The scores of one class.
  public struct ClassScore: Sendable, Hashable, Codable {
    /// The class.
    public let name: String
    /// TP / (TP + FP + FN), void left out; nil for a class that occurs neither in truth nor in prediction.
    public let iou: Double?
    /// The same with void counted as a false positive of the predicted class.
    public let iouVoidCounted: Double?
    /// TP / (TP + FN); nil for a class that does not occur in the truth.
    public let accuracy: Double?
    /// 2 TP / (2 TP + FP + FN).
    public let dice: Double?
    /// Pixels of the class in the truth.
    public let truthPixels: Int
  }

  /// The mean of the classes' IoU, void left out.
  public let meanIoU: Double?
  /// The mean with void counted as a false positive of what was predicted there.
  public let meanIoUVoidCounted: Double?
  /// The mean of the IoU weighted by how frequent each class is in the truth.
  public let frequencyWeightedIoU: Double?
  /// The share of labelled pixels that are right.
  public let pixelAccuracy: Double?
  /// The mean of the classes' accuracies.
  public let meanClassAccuracy: Double?
  /// The mean of the classes' Dice scores.
  public let meanDice: Double?
  /// Class by class.
  public let classes: [ClassScore]
  /// Classes that occur neither in truth nor in prediction, and count in no mean.
  public let absentClasses: [String]

  /// Reads the scores off a matrix. Traps unless there is a name for each of its classes.
  public init(_ matrix: ConfusionMatrix, names: [String]) {
    check(names.count == matrix.classes, "SemanticScores", "\(names.count) names for \(matrix.classes) classes")
    let iou = matrix.iou(), counted = matrix.iou(void: .falsePositive), dice = matrix.dice()
    meanIoU = matrix.meanIoU().ifFinite
    meanIoUVoidCounted = matrix.meanIoU(void: .falsePositive).ifFinite
    frequencyWeightedIoU = matrix.frequencyWeightedIoU.ifFinite
    pixelAccuracy = matrix.pixelAccuracy.ifFinite
    meanClassAccuracy = matrix.meanClassAccuracy.ifFinite
    meanDice = dice.meanOfKnown
    classes = names.indices.map {
      ClassScore(
        name: names[$0], iou: iou[$0], iouVoidCounted: counted[$0], accuracy: matrix.classAccuracy[$0], dice: dice[$0],
        truthPixels: matrix.truthCount($0))
    }
    absentClasses = matrix.absentClasses.map { names[$0] }
  }
}
