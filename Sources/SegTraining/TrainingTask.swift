import SegData
import SegKernels

/// What is trained: a network, and the loss of a batch. A paper with a loss of its own supplies one of these.
public protocol TrainingTask: AnyObject {
  /// The network whose parameters move.
  var network: any Module { get }

  /// The loss of one batch, a scalar; called on the tape.
  ///
  /// - Parameter progress: the share of the run's steps that are done, 0 to below 1, for losses that change on the way.
  func loss(_ batch: Batch, progress: Float) -> Tensor
}

/// Semantic segmentation by cross entropy: logits are enlarged to the labels' size.
public final class SegmentationTask: TrainingTask {
  public var network: any Module { segmenter }
  private let segmenter: any UnaryModule
  private let ignoreIndex: Int
  private let classWeights: Tensor?
  private let weightedShare: Float
  private let labelSmoothing: Float

  /// A task for a network of ours or yours.
  ///
  /// - Parameter weightedShare: the share of the run in which class weights count; see `Recipe.Loss`.
  public init(
    _ network: any UnaryModule, ignoreIndex: Int?, classWeights: Tensor? = nil, weightedShare: Float = 1,
    labelSmoothing: Float = 0
  ) {
    segmenter = network
    // What the loader puts outside images, where the data ignore no label of their own.
    self.ignoreIndex = ignoreIndex ?? -1
    self.classWeights = classWeights
    self.weightedShare = weightedShare
    self.labelSmoothing = labelSmoothing
  }

  public func loss(_ batch: Batch, progress: Float) -> Tensor {
    let size = Pair(height: batch.labels.shape[1], width: batch.labels.shape[2])
    return crossEntropy(
      resize(segmenter(batch.images), to: size), batch.labels, ignoreIndex: ignoreIndex,
      classWeights: progress < weightedShare ? classWeights : nil, labelSmoothing: labelSmoothing)
  }
}
