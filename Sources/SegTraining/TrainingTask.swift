import SegData
import SegDistributed
import SegKernels

/// What is trained: a network, and the loss of a batch. A paper with a loss of its own supplies one of these.
public protocol TrainingTask: AnyObject {
  /// The network whose parameters move.
  var network: any Module { get }

  /// The part of it that is used afterwards, which finished weights hold: without heads that training alone needs. The
  /// whole network by default.
  var deployedNetwork: any Module { get }

  /// The processes that train the network together; nil where the task knows of none.
  ///
  /// With a group, ``loss(_:progress:)`` gets this process's share of each batch and returns its term of a sum over
  /// processes, which is the loss of the whole batch. A task that cannot do that leaves it nil, the default, and is
  /// trained by one process alone.
  var group: (any ProcessGroup)? { get }

  /// The loss of one batch, a scalar; called on the tape.
  ///
  /// - Parameters:
  ///   - batch: this process's samples.
  ///   - progress: the share of the run's steps that are done, 0 to below 1, for losses that change on the way.
  func loss(_ batch: Batch, progress: Float) -> Tensor

  /// Figures that tell how the training goes, noted beside the loss as often as pictures are; none by default.
  ///
  /// Called in evaluation, off the tape, with a batch that has just been learnt from.
  func figures(_ batch: Batch) -> [ValidationScore]
}

extension TrainingTask {
  public var deployedNetwork: any Module { network }
  public var group: (any ProcessGroup)? { nil }
  public func figures(_ batch: Batch) -> [ValidationScore] { [] }
}

/// Semantic segmentation: logits are enlarged to the labels' size, and a ``SegmentationLoss`` judges them.
public final class SegmentationTask: TrainingTask {
  public var network: any Module { segmenter }
  public var group: (any ProcessGroup)? { loss.group }
  private let segmenter: any UnaryModule
  private let ignoreIndex: Int
  private let loss: SegmentationLoss

  /// A task for a network of ours or yours.
  public init(_ network: any UnaryModule, ignoreIndex: Int?, loss: SegmentationLoss = SegmentationLoss()) {
    segmenter = network
    // What the loader puts outside images, where the data ignore no label of their own.
    self.ignoreIndex = ignoreIndex ?? -1
    self.loss = loss
  }

  public func loss(_ batch: Batch, progress: Float) -> Tensor {
    let size = Pair(height: batch.labels.shape[1], width: batch.labels.shape[2])
    return loss(resize(segmenter(batch.images), to: size), batch.labels, ignoreIndex: ignoreIndex, progress: progress)
  }
}
