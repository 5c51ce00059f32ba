import SegKernels

/// What a depth network is made of, by its name in this package.
///
/// `monodepth2_resnet18` and `monodepth2_resnet50` are the released networks; `monodepth2_resnet18_half` has half the
/// channels behind the stem, for experiments.
public struct DepthConfiguration: Sendable, Hashable {
  /// The encoder.
  public var encoder: ResNetConfiguration
  /// Channels of the decoder, finest first.
  public var decoderChannels: [Int]
  /// What disparities of 0 and 1 mean, in metres: the farthest and the nearest depth.
  public var nearest: Float = 0.1, farthest: Float = 100

  /// Every name.
  public static let names = ["monodepth2_resnet18", "monodepth2_resnet50", "monodepth2_resnet18_half"]

  /// Reads a name; nil if it is not one of ``names``.
  public init?(name: String) {
    guard Self.names.contains(name) else { return nil }
    encoder = Self.encoder(name, inputChannels: 3)
    decoderChannels = name.hasSuffix("_half") ? [8, 16, 32, 64, 128] : [16, 32, 64, 128, 256]
  }

  /// The encoder of a network that tells the motion between two images: the same with six channels.
  public var poseEncoder: ResNetConfiguration {
    var encoder = encoder
    encoder.inputChannels = 6
    return encoder
  }

  /// The encoder of a name; `name` is one of ``names``.
  static func encoder(_ name: String, inputChannels: Int) -> ResNetConfiguration {
    var encoder = ResNetConfiguration.resNet(name.contains("50") ? 50 : 18, inputChannels: inputChannels)!
    if name.hasSuffix("_half") {
      encoder.stages = encoder.stages.map { .init(width: $0.width / 2, stride: $0.stride, dilations: $0.dilations) }
    }
    return encoder
  }

  /// The depth of a sigmoid disparity: 1 / (1/farthest + (1/nearest − 1/farthest) d), metres.
  public func depth(_ disparity: Tensor) -> Tensor {
    (disparity * (1 / nearest - 1 / farthest) + 1 / farthest).reciprocal()
  }
}
