import SegKernels

/// One set of outputs of a network in training: classes, boundaries and perhaps depth, and how much their loss counts.
public struct BoundaryPass {
  /// Class logits, N×classes×h×w.
  public let logits: Tensor
  /// Boundary logits, N×1×h×w.
  public let boundary: Tensor
  /// ln of the depth in metres, N×1×h×w, of networks that tell it.
  public let logDepth: Tensor?
  /// The factor of this pass's loss: 1 for the main one.
  public let weight: Float

  /// Outputs of given parts.
  public init(logits: Tensor, boundary: Tensor, logDepth: Tensor? = nil, weight: Float) {
    self.logits = logits
    self.boundary = boundary
    self.logDepth = logDepth
    self.weight = weight
  }
}

/// A network that predicts boundaries beside classes while it is trained.
public protocol BoundarySupervised: UnaryModule {
  /// The outputs in training, the main ones first.
  func supervised(_ x: Tensor) -> [BoundaryPass]
}

/// A boundary head attached to a segmentation network that knows nothing of it.
///
/// 1×1 to a hidden width, norm, ReLU, 1×1 to one logit, on the features from which the network's own logits come. What
/// remains for inference is ``network``, whose parameters keep their names; the head's begin with `boundary_head.`.
public final class BoundaryBranch: BoundarySupervised {
  /// The network without the branch.
  public let network: any FeatureSegmenter
  private let head: Sequential

  /// A network with a fresh boundary head.
  ///
  /// - Parameters:
  ///   - network: shows the features that the head reads.
  ///   - hidden: the width of the head.
  ///   - seed: draws the head's weights.
  public init(_ network: any FeatureSegmenter, hidden: Int = 64, seed: UInt64) {
    self.network = network
    head = pixelHead(inputChannels: network.featureChannels, hidden: hidden, outputs: 1, isNormNested: false)
    head.initialize(.kaimingFanOut, seed: seed)
  }

  public var parts: [Part] { network.parts + [Part("boundary_head", head)] }

  public func trainingChanged(to isTraining: Bool) { network.trainingChanged(to: isTraining) }

  /// The network's own logits.
  public func callAsFunction(_ x: Tensor) -> Tensor { network(x) }

  public func supervised(_ x: Tensor) -> [BoundaryPass] {
    let features = network.features(of: x)
    let logDepth = (network as? MultiTaskNetwork)?.logDepth(of: features)
    return [
      BoundaryPass(logits: network.logits(of: features), boundary: head(features), logDepth: logDepth, weight: 1)
    ]
  }
}
