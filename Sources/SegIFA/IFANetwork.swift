import SegFFNet
import SegKernels

/// A segmentation network that can be asked at any resolution: encoder → levels → implicit function.
///
/// image → maps at 1/4, 1/8, 1/16, 1/32 → one 1×1 convolution each → logits at any positions; by default at the centres
/// of the finest level's cells, which whoever wants labels enlarges bilinearly, as released. Hu et al. 2022 (arXiv
/// 2206.08655). Parameter names are those of the released code: `encoder`, `decoder`, `auxor`. The auxiliary head on
/// the third map is used in training alone.
public final class IFANetwork: ResolutionFree {
  /// What the network is made of.
  public let configuration: IFAConfiguration
  private let encoder: any Encoder
  /// The decoder.
  public let decoder: ImplicitPyramid
  private let auxiliary: Sequential

  /// A network of a configuration.
  ///
  /// - Parameters:
  ///   - configuration: what the network is made of.
  ///   - seed: draws the weights (convolutions by He's rule, fan out); nil leaves them zero, for loading.
  public init(_ configuration: IFAConfiguration, seed: UInt64?) {
    self.configuration = configuration
    switch configuration.backbone {
    case .resNet(let network): encoder = ResNet(network)
    case .ffnet(let network): encoder = FFNetBackbone(network)
    }
    let channels = encoder.outputChannels, width = configuration.decoder.width
    decoder = ImplicitPyramid(
      inputChannels: channels, classes: configuration.classes, configuration.decoder)
    auxiliary = Sequential([
      ("0", Conv2d(inputChannels: channels[2], outputChannels: width, kernel: 3, bias: true)),
      ("1", BatchNorm2d(channels: width)), ("2", ReLU()), ("3", Dropout(rate: 0.1, dropsChannels: true)),
      ("4", Conv2d(inputChannels: width, outputChannels: configuration.classes, kernel: 1, bias: true)),
    ])
    if let seed { initialize(.kaimingFanOut, seed: seed) }
  }

  public var parts: [Part] {
    [Part("encoder", encoder), Part("decoder", decoder), Part("auxor.aux", auxiliary)]
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { decoder(encoder(x)) }

  public func callAsFunction(_ x: Tensor, at positions: QueryPositions) -> Tensor { decoder(encoder(x), at: positions) }

  /// Logits at queries, and the auxiliary head's at the third map's size.
  public func training(_ x: Tensor, at positions: QueryPositions?) -> (logits: Tensor, auxiliary: Tensor) {
    let maps = encoder(x)
    return (decoder(maps, at: positions), auxiliary(maps[2]))
  }
}

extension IFANetwork: StagedSegmenter {
  /// The encoder's maps, `level1` at 1/4 to `level4` at 1/32. Usual: `level2` and `level3`.
  public var stages: [NetworkStage] {
    encoder.outputChannels.enumerated().map { level, channels in
      NetworkStage("level\(level + 1)", channels: channels, isUsual: level == 1 || level == 2)
    }
  }

  public func staged(_ x: Tensor) -> StagedPass {
    let maps = encoder(x)
    return StagedPass(maps: maps, features: nil) { [self] in decoder(maps) }
  }
}
