import SegData
import SegKernels
import SegTraining

/// Hierarchical supervision: L = loss(y, labels) + Σ_i λ_i · CE(y_i, c_i(labels)), c_i the clusters that stage i tells
/// apart. With all classes everywhere it is deep supervision.
///
/// Heads are judged on a grid that is coarser than the labels (4 times as a rule): their logits are resized to it, and
/// the labels of its cells' middle pixels are taken. Ignored pixels stay ignored. HS3 (arXiv 2111.02333).
public final class HS3Task: TrainingTask {
  public var network: any Module { supervised }
  /// Without heads that prediction does not need.
  public var deployedNetwork: any Module { supervised.segmenter }
  private let supervised: any StageSupervised
  private let clusters: [ClassClusters]
  private let weights: [Float]
  private let ignoreIndex: Int
  private let loss: SegmentationLoss
  private let stride: Int

  /// The task of a network with heads on its stages.
  ///
  /// - Parameters:
  ///   - network: with its heads.
  ///   - clusters: for each stage of the network; the heads have as many outputs.
  ///   - ignoreIndex: the label of pixels that do not count.
  ///   - loss: of the last layer.
  ///   - settings: factors and grid.
  public init(
    _ network: any StageSupervised, clusters: [ClassClusters], ignoreIndex: Int?, loss: SegmentationLoss,
    settings: Recipe.Supervision = .init()
  ) {
    check(
      clusters.count == network.stageNames.count, "HS3Task",
      "expected clusters for the stages \(network.stageNames), found \(clusters.count)")
    supervised = network
    self.clusters = clusters
    weights = clusters.map { settings.weight(clusters: $0.count, classes: $0.classes) }
    self.ignoreIndex = ignoreIndex ?? -1
    self.loss = loss
    stride = settings.stride
  }

  public func loss(_ batch: Batch, progress: Float) -> Tensor {
    let (logits, heads) = supervised.supervised(batch.images), labels = batch.labels
    let size = Pair(height: labels.shape[1], width: labels.shape[2])
    let main = loss(resize(logits, to: size), labels, ignoreIndex: ignoreIndex, progress: progress)
    let terms = zip(stageLosses(heads, labels), weights).map { $0 * $1 }
    return terms.reduce(main, +)
  }

  /// The cross entropy of each head, a scalar; none where the grid meets no labelled pixel.
  package func stageLosses(_ heads: [Tensor], _ labels: Labels) -> [Tensor] {
    let coarse = labels.sampled(height: max(1, labels.shape[1] / stride), width: max(1, labels.shape[2] / stride))
    guard coarse.values.contains(where: { $0 != ignoreIndex }) else { return [] }
    let size = Pair(height: coarse.shape[1], width: coarse.shape[2])
    return zip(heads, clusters).map { head, clusters in
      crossEntropy(
        resize(head, to: size), clusters.targets(of: coarse, ignoreIndex: ignoreIndex), ignoreIndex: ignoreIndex)
    }
  }
}
