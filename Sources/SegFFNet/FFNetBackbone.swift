import SegKernels

/// The residual network of an FFNet alone, as an encoder of four maps: f4, f8, f16, f32 (f8 … f64 where the first stage
/// is strided). In three-stage networks the stem's output is the first map.
public final class FFNetBackbone: Encoder {
  private let network: ResNet
  private let startsAtStem: Bool
  /// The channels of the four maps.
  public let outputChannels: [Int]

  /// A backbone with zero weights; parameter names as in a published checkpoint behind `backbone_model.`.
  public init(_ configuration: FFNetConfiguration) {
    network = ResNet(configuration.backbone)
    startsAtStem = configuration.family.stageCount == 3
    outputChannels = (startsAtStem ? [configuration.backbone.stem.outputChannels] : []) + network.outputChannels
  }

  public var parts: [Part] { network.parts }

  public func callAsFunction(_ x: Tensor) -> [Tensor] {
    let features = network.features(of: x)
    return startsAtStem ? [features.stem] + features.stages : features.stages
  }
}
