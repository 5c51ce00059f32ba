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

  /// A network of a configuration.
  ///
  /// - Parameters:
  ///   - configuration: what the network is made of.
  ///   - seed: draws the weights by the published rule (convolutions N(0, 0.01²), biases 1e-4); nil leaves them zero,
  ///     for loading.
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
  public func features(of x: Tensor) -> Tensor { joined(levels(of: x)) }

  private func joined(_ levels: [Tensor]) -> Tensor {
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

  private func levels(of x: Tensor) -> [Tensor] { upHead(adapter(backboneMaps(of: x))).smoothed }

  /// f4, f8, f16 and f32.
  private func backboneMaps(of x: Tensor) -> [Tensor] {
    let features = backbone.features(of: smoothing?(x) ?? x)
    return startsAtStem ? [features.stem] + features.stages : features.stages
  }

  /// In three-stage networks the stem's own output is f4.
  private var startsAtStem: Bool { configuration.family.stageCount == 3 }
}

extension FFNet: StagedSegmenter {
  /// The backbone's maps, `f4` … `f32` (the outputs of stages 1 … 4, in three-stage networks of the stem and stages
  /// 1 … 3), and the up-head's sums `t16`, `t8`, `t4`. Usual: `f8`, `f16` and `t8`.
  public var stages: [NetworkStage] {
    let widths =
      (startsAtStem ? [backbone.configuration.stem.outputChannels] : []) + backbone.outputChannels
    let base = configuration.scaled(configuration.upHead.base)
    let maps = widths.enumerated().map { level, channels in
      NetworkStage("f\(4 << level)", channels: channels, isUsual: level == 1 || level == 2)
    }
    return maps
      + (0..<3).reversed().map { level in
        NetworkStage("t\(4 << level)", channels: base[level], isUsual: level == 1)
      }
  }

  public func staged(_ x: Tensor) -> StagedPass {
    let maps = backboneMaps(of: x), (smoothed, sums) = upHead(adapter(maps)), features = joined(smoothed)
    return StagedPass(maps: maps + sums.reversed(), features: features) { [self] in logits(of: features) }
  }
}
