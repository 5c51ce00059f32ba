import SegKernels

/// A segmentation network that tells depth as well: a second head on the features from which its class logits come.
///
/// 1×1 to a hidden width, norm, ReLU, 1×1 to one number, the natural logarithm of the depth in metres. The network
/// underneath keeps its parameters' names; the head's begin with `depth_head.`. As a `UnaryModule` it answers with
/// class logits. A ``BoundaryBranch`` around it adds boundaries in training: the three tasks on one encoder with which
/// InverseForm's abstract promises gains.
public final class MultiTaskNetwork: FeatureSegmenter {
  /// The names that are listed: `multitask_` and the network underneath, without the prefix `segmentation_`.
  public static let names = ["ffnet22S_half_BCC", "ffnet78S_dBBB_mobile", "hrnet18"].map { prefix + $0 }
  private static let prefix = "multitask_"

  /// The network under a name; nil if it is none of ``names``.
  public static func base(of name: String) -> String? {
    names.contains(name) ? String(name.dropFirst(prefix.count)) : nil
  }

  /// The network without depth.
  public let base: any FeatureSegmenter
  private let depthHead: Sequential

  /// A network with a head for depth.
  ///
  /// - Parameters:
  ///   - base: shows the features that the head reads.
  ///   - hidden: the width of the head.
  ///   - seed: draws the head's weights; nil leaves them zero, for loading.
  public init(_ base: any FeatureSegmenter, hidden: Int = 64, seed: UInt64?) {
    self.base = base
    depthHead = pixelHead(inputChannels: base.featureChannels, hidden: hidden, outputs: 1, isNormNested: false)
    if let seed { depthHead.initialize(.kaimingFanOut, seed: seed) }
  }

  public var parts: [Part] { base.parts + [Part("depth_head", depthHead)] }

  public func trainingChanged(to isTraining: Bool) { base.trainingChanged(to: isTraining) }

  public var featureChannels: Int { base.featureChannels }
  public func features(of x: Tensor) -> Tensor { base.features(of: x) }
  public func logits(of features: Tensor) -> Tensor { base.logits(of: features) }

  /// ln of metres, N×1×h×w, of features.
  public func logDepth(of features: Tensor) -> Tensor { depthHead(features) }

  /// ln of metres at the size of images N×3×H×W, N×1×H×W.
  public func logDepth(ofImages x: Tensor) -> Tensor {
    resize(logDepth(of: features(of: x)), to: Pair(height: x.shape[2], width: x.shape[3]))
  }

  /// Class logits N×classes×h×w and ln of metres N×1×h×w of images N×3×H×W.
  public func outputs(_ x: Tensor) -> (logits: Tensor, logDepth: Tensor) {
    let features = features(of: x)
    return (logits(of: features), logDepth(of: features))
  }
}
