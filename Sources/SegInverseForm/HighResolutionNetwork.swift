import SegKernels

/// The four networks that InverseForm's authors released: HRNets whose heads predict classes, and in training
/// boundaries.
///
/// | name | encoder | head |
/// |---|---|---|
/// | `hrnet18` | W18 small | 1×1, norm, ReLU, 1×1 |
/// | `hrnet16slim` | W16 on the image at half its size | the same, of half the width and without biases |
/// | `ocrnet48` | W48 | object context |
/// | `hmsocrnet48` | W48 | object context, at four scales merged by attention |
///
/// Logits come at the size of the finest branch (1/4 of the image, 1/8 for `hrnet16slim`), those of `hmsocrnet48` at
/// the image's size. Boundary heads and auxiliary heads are parameters of the network, under their published names, but
/// `callAsFunction` does not ask them: a captured graph has nothing of them. Borse et al., "InverseForm: A Loss
/// Function for Structured Boundary-Aware Segmentation", 2021 (arXiv 2104.02745), and the released code.
public final class HighResolutionNetwork: BoundarySupervised {
  /// Which of the four.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// HRNet-W18 small; HRNet-W16 on the image at half its size; HRNet-W48 with object context, and with object context
    /// at four scales merged by attention.
    case hrnet18, hrnet16slim, ocrnet48, hmsocrnet48

    /// The encoder of the released network.
    public var encoder: HRNetConfiguration {
      switch self {
      case .hrnet18: .w18Small
      case .hrnet16slim: .w16Slim
      case .ocrnet48, .hmsocrnet48: .w48
      }
    }

    /// What the sides of images are best multiples of: every branch then halves evenly, at every scale.
    public var divisor: Int {
      switch self {
      case .hrnet18, .ocrnet48: 32
      case .hrnet16slim: 64
      case .hmsocrnet48: 128
      }
    }
  }

  /// Which of the four.
  public let kind: Kind
  /// The scales that `hmsocrnet48` looks at; the released setting by default, (0.5, 1) in training.
  public var scales: [Float] = [0.25, 0.5, 1, 2]
  private let backbone: HRNet
  private let head: Sequential?, auxiliary: Sequential?
  private let objectContext: ObjectContextDecoder?
  private let scaleAttention: ScaleAttention?
  private let auxiliaryBoundary: Sequential
  private let boundary: Conv2d?

  /// A network of a kind.
  ///
  /// - Parameters:
  ///   - kind: which of the released networks.
  ///   - classes: how many classes it tells apart.
  ///   - inputChannels: of the images.
  ///   - seed: draws the weights by ResNet's rule; nil leaves them zero, for loading.
  public init(_ kind: Kind, classes: Int = 19, inputChannels: Int = 3, seed: UInt64?) {
    self.kind = kind
    var configuration = kind.encoder
    configuration.inputChannels = inputChannels
    backbone = HRNet(configuration)
    let channels = backbone.outputChannels.reduce(0, +)
    let isLight = kind == .hrnet16slim
    if kind == .hrnet18 || isLight {
      head = pixelHead(
        inputChannels: channels, hidden: isLight ? channels / 2 : channels, outputs: classes, bias: !isLight,
        isNormNested: true)
      auxiliary = pixelHead(inputChannels: channels, hidden: channels, outputs: classes, isNormNested: true)
      objectContext = nil
    } else {
      (head, auxiliary) = (nil, nil)
      objectContext = ObjectContextDecoder(inputChannels: channels, classes: classes)
    }
    let features = objectContext?.featureChannels ?? channels
    scaleAttention = kind == .hmsocrnet48 ? ScaleAttention(inputChannels: features) : nil
    auxiliaryBoundary = pixelHead(inputChannels: channels, hidden: channels, outputs: 1, isNormNested: false)
    boundary =
      kind == .hmsocrnet48 ? nil : Conv2d(inputChannels: features, outputChannels: 1, kernel: 1, bias: true)
    if let seed { initialize(.kaimingFanOut, seed: seed) }
  }

  public var parts: [Part] {
    [
      Part("backbone", backbone), Part("ocr", objectContext), Part("scale_attn", scaleAttention),
      Part("aux_head", auxiliary), Part("hrhead.last_layer", head), Part("edge_head.last_layer", auxiliaryBoundary),
      Part("edgeocr_cls_head", boundary),
    ]
  }

  /// Logits N×classes×h×w.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    guard let scaleAttention, let objectContext else { return logits(of: features(of: x)) }
    return mergedScales(x, scales: scales) { x in
      let size = Pair(height: x.shape[2], width: x.shape[3])
      let features = objectContext.features(of: joined(x)).features
      return (
        resize(objectContext.logits(of: features), to: size),
        { resize(sigmoid(scaleAttention(features)), to: size) }
      )
    }
  }

  /// What the released network computes in training: the main pass, and the auxiliary one with weight 0.4.
  ///
  /// All boundaries are logits, where the released network applies a sigmoid to some and its loss a second one. Of
  /// `hmsocrnet48` the main logits are those of two scales, and the one boundary head belongs to the auxiliary pass's
  /// features; it serves both.
  public func supervised(_ x: Tensor) -> [BoundaryPass] {
    let joined = joined(x)
    let auxiliaryBoundary = auxiliaryBoundary(joined)
    guard let objectContext else {
      return [
        BoundaryPass(logits: head!(joined), boundary: boundary!(joined), weight: 1),
        BoundaryPass(logits: auxiliary!(joined), boundary: auxiliaryBoundary, weight: 0.4),
      ]
    }
    let (features, guess) = objectContext.features(of: joined)
    let second = BoundaryPass(logits: guess, boundary: auxiliaryBoundary, weight: 0.4)
    guard kind == .hmsocrnet48 else {
      return [
        BoundaryPass(logits: objectContext.logits(of: features), boundary: boundary!(features), weight: 1), second,
      ]
    }
    return [BoundaryPass(logits: self(x), boundary: auxiliaryBoundary, weight: 1), second]
  }

  /// Attention of `hmsocrnet48` at the finest branch's size, before its sigmoid; nil for the others.
  package func attentionLogits(_ x: Tensor) -> Tensor? {
    scaleAttention.map { $0(objectContext!.features(of: joined(x)).features) }
  }

  private func joined(_ x: Tensor) -> Tensor { concatenatedAtFinestSize(backbone(x)) }

}

extension HighResolutionNetwork: StagedSegmenter {
  /// The joined branches behind stages 2 and 3 of the encoder. None of `hmsocrnet48`, which looks at several scales.
  public var stages: [NetworkStage] {
    guard kind != .hmsocrnet48 else { return [] }
    return [2, 3].map { branches in
      let channels = backbone.outputChannels.prefix(branches).reduce(0, +)
      return NetworkStage("stage\(branches)", channels: channels, isUsual: true)
    }
  }

  public func staged(_ x: Tensor) -> StagedPass {
    let branches = backbone.branches(of: x), joined = concatenatedAtFinestSize(branches[2])
    let features = objectContext?.features(of: joined).features ?? joined
    return StagedPass(maps: branches[..<2].map(concatenatedAtFinestSize), features: features) { [self] in
      logits(of: features)
    }
  }
}

extension HighResolutionNetwork: FeatureSegmenter {
  public var featureChannels: Int { objectContext?.featureChannels ?? backbone.outputChannels.reduce(0, +) }

  /// What the last layers see, of one scale.
  public func features(of x: Tensor) -> Tensor {
    let joined = joined(x)
    return objectContext?.features(of: joined).features ?? joined
  }

  /// Class logits of features.
  public func logits(of features: Tensor) -> Tensor { objectContext?.logits(of: features) ?? head!(features) }
}
