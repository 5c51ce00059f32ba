import SegKernels

/// A "fuss-free" network: a plain residual backbone with a large receptive field, and a small top-down head.
///
/// image → (pre-downsampling) → backbone maps f4, f8, f16, f32 → adapter → up-head → concatenation → head → logits at
/// f4's size: 1/4 of the image, 1/8 for `d` and `_pre_down` models. No softmax, no final up-sampling.
/// Mehta et al. 2022 (arXiv 2206.08236); parameter names are those of the published checkpoints.
public final class FFNet: FeatureSegmenter {
  /// What the network is made of.
  public let configuration: FFNetConfiguration
  private let smoothing: PreDownsampling?
  private let backbone: ResNet
  private let adapter: Adapter
  private let upHead: UpHead
  private let head: Head

  private enum Head {
    case segmentation(SegmentationHead)
    case classification(ClassificationHead)
  }

  /// - Parameter seed: draws the weights by the published rule (convolutions N(0, 0.01²), biases 1e-4); nil leaves
  ///   them zero, for loading.
  public convenience init(_ configuration: FFNetConfiguration, seed: UInt64?) {
    self.init(configuration, backbone: configuration.backbone, seed: seed)
  }

  /// A network of four stages whose backbone is not the one that its configuration names: for experiments.
  package init(_ configuration: FFNetConfiguration, backbone encoder: ResNetConfiguration, seed: UInt64?) {
    self.configuration = configuration
    smoothing = configuration.hasPreDownsampling ? PreDownsampling(channels: configuration.inputChannels) : nil
    backbone = ResNet(encoder)
    // In three-stage networks the stem's own output is f4.
    let widths =
      configuration.family.stageCount == 3
      ? [encoder.stem.outputChannels] + backbone.outputChannels : backbone.outputChannels
    let base = configuration.scaled(configuration.upHead.base)
    let outputs = configuration.scaled(configuration.upHead.output)
    adapter = Adapter(from: widths, to: base)
    upHead = UpHead(base: base, output: outputs, isMobile: configuration.isMobile)
    switch configuration.task {
    case .segmentation(let hidden, let kernel):
      head = .segmentation(
        SegmentationHead(
          inputChannels: outputs.reduce(0, +), hidden: configuration.scaled([hidden])[0], kernel: kernel,
          classes: configuration.classes))
    case .classification(let rate):
      head = .classification(
        ClassificationHead(inputChannels: outputs, dropout: rate, classes: configuration.classes))
    }
    if let seed { initialize(.normal(deviation: 0.01, bias: 1e-4), seed: seed) }
  }

  public var parts: [Part] {
    let last =
      switch head {
      // Of the published head's layers, number 2 is the concatenation in segmentation models.
      case .segmentation(let head): Part("head.layers.3", head)
      case .classification(let head): Part("head.layers.2", head)
      }
    return [
      Part("smoothing", smoothing), Part("backbone_model", backbone), Part("head.layers.0", adapter),
      Part("head.layers.1", upHead), last,
    ]
  }

  /// Logits: N×classes×h×w for segmentation, N×classes for classification.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    if case .classification(let head) = head { return head(levels(of: x)) }
    return logits(of: features(of: x))
  }

  public var featureChannels: Int { configuration.scaled(configuration.upHead.output).reduce(0, +) }

  /// The levels of the up-head as one map, at f4's size: what the segmentation head sees.
  public func features(of x: Tensor) -> Tensor {
    let levels = levels(of: x)
    let size = Pair(height: levels[0].shape[2], width: levels[0].shape[3])
    return concatenate([levels[0]] + levels.dropFirst().map { upHead.enlarged($0, to: size) }, axis: 1)
  }

  /// Class logits of features. Traps in a network that classifies whole images.
  public func logits(of features: Tensor) -> Tensor {
    guard case .segmentation(let head) = head else {
      misuse("FFNet.logits", "the network classifies whole images; expected one that segments")
    }
    return head(features)
  }

  private func levels(of x: Tensor) -> [Tensor] {
    let features = backbone.features(of: smoothing?(x) ?? x)
    return upHead(adapter(features.stages.count == 3 ? [features.stem] + features.stages : features.stages))
  }
}
