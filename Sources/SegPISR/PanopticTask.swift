import SegData
import SegKernels
import SegTraining

/// Trains a network that finds things: classes and things of a batch against its outputs.
public final class PanopticTask: TrainingTask {
  public var network: any Module { panoptic }
  private let panoptic: any PanopticNetwork
  private let ignoreIndex: Int
  private let settings: Recipe.Panoptic

  /// A task for data whose samples tell things apart.
  public init(_ network: any PanopticNetwork, ignoreIndex: Int?, settings: Recipe.Panoptic) {
    panoptic = network
    // What the loader puts outside images, where the data ignore no label of their own.
    self.ignoreIndex = ignoreIndex ?? -1
    self.settings = settings
  }

  /// Traps at batches without instances.
  public func loss(_ batch: Batch, progress: Float) -> Tensor {
    guard let instances = batch.instances else {
      preconditionFailure("PanopticTask: expected samples that tell things apart, found a batch without instances")
    }
    let truth = PanopticTruth(
      labels: batch.labels, instances: instances, things: panoptic.things, ignoreIndex: ignoreIndex)
    return panoptic.loss(batch.images, truth, settings)
  }
}
