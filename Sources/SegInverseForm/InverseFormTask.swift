import SegData
import SegDistributed
import SegKernels
import SegTraining

/// Semantic segmentation with boundaries beside it, and depth where network and data have it: each pass of a
/// ``BoundarySupervised`` network is enlarged to the labels' size and judged by a ``JointLoss``.
public final class InverseFormTask: TrainingTask {
  public var network: any Module { supervised }
  /// Edge attention chooses its pixels by the logits, in each process others: with it, one process trains alone.
  public var group: (any ProcessGroup)? { loss.attention > 0 ? nil : loss.group }
  /// The network without its boundary branch, where that is attached: what the finished weights hold.
  public var deployedNetwork: any Module { (supervised as? BoundaryBranch)?.network ?? supervised }
  private let supervised: any BoundarySupervised
  private let ignoreIndex: Int
  private let loss: JointLoss

  /// A task for a network with boundary heads; see ``BoundaryBranch`` for one that has none.
  // Inlined into InverseFormReproduction.build, it breaks the optimizer of Swift 6.3.1.
  @inline(never)
  public init(_ network: any BoundarySupervised, ignoreIndex: Int?, loss: JointLoss) {
    supervised = network
    // What the loader puts outside images, where the data ignore no label of their own.
    self.ignoreIndex = ignoreIndex ?? -1
    self.loss = loss
  }

  public func loss(_ batch: Batch, progress: Float) -> Tensor {
    let size = Pair(height: batch.labels.shape[1], width: batch.labels.shape[2])
    let losses = supervised.supervised(batch.images).map { pass -> Tensor in
      let depth = batch.depth.flatMap { truth in pass.logDepth.map { (log: resize($0, to: size), truth: truth) } }
      return loss(
        logits: resize(pass.logits, to: size), boundary: resize(pass.boundary, to: size), depth: depth, batch.labels,
        ignoreIndex: ignoreIndex, progress: progress) * pass.weight
    }
    return losses.dropFirst().reduce(losses[0], +)
  }
}
