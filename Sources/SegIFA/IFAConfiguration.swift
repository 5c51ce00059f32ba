import SegFFNet
import SegKernels

/// What one IFA network is made of, by its name in this package.
///
/// `ifa_resnet50`, `ifa_resnet101`: the released FPN-IFA, deep stem and multi-grid. `ifa_aspp_…`: the same with atrous
/// spatial pyramid pooling on the coarsest level. `ifa_resnet18`, `ifa_resnet34`: torchvision's basic-block networks as
/// encoders. `ifa_ffnet…`: the maps of an FFNet's backbone as levels, named as FFNets are, without the letters of the
/// heads (`ifa_ffnet78S_dB`, `ifa_ffnet22S_half_B`).
public struct IFAConfiguration: Sendable, Hashable {
  /// Where the levels come from.
  public enum Backbone: Sendable, Hashable {
    /// A residual network.
    case resNet(ResNetConfiguration)
    /// The backbone of an FFNet.
    case ffnet(FFNetConfiguration)
  }

  /// Where the levels come from.
  public var backbone: Backbone
  /// The decoder.
  public var decoder = ImplicitPyramidConfiguration()
  /// 19 for Cityscapes, or the user's own.
  public var classes: Int
  /// Channels of the images.
  public var inputChannels: Int

  /// Every name.
  public static let names =
    [18, 34, 50, 101].map { "ifa_resnet\($0)" } + ["ifa_aspp_resnet50", "ifa_aspp_resnet101"]
    + ["ffnet22S_half_B", "ffnet40S_B", "ffnet78S_dB", "ffnet34_A", "ffnet34_dA", "ffnet46N_C"].map { "ifa_" + $0 }

  /// Reads a name; nil if it is not one of ``names``.
  public init?(name: String, classes: Int? = nil, inputChannels: Int = 3) {
    guard Self.names.contains(name) else { return nil }
    self.classes = classes ?? 19
    self.inputChannels = inputChannels
    let body = name.dropFirst("ifa_".count)
    if body.hasPrefix("ffnet") {
      // The heads' letters mean nothing to the backbone.
      guard let ffnet = FFNetConfiguration(name: body + "BB", inputChannels: inputChannels) else { return nil }
      backbone = .ffnet(ffnet)
      decoder.width = ffnet.isHalfWidth ? 64 : 128
      decoder.hidden = ffnet.isHalfWidth ? [128, 128] : [256, 128]
      return
    }
    decoder.hasAtrousPyramid = body.hasPrefix("aspp_")
    guard let depth = Int(body.split(separator: "_").last!.dropFirst("resnet".count)),
      var network = ResNetConfiguration.resNet(depth, inputChannels: inputChannels)
    else { return nil }
    if network.block == .bottleneck {
      // Released: the pooling rounds up. At the sizes it is trained at (769) that changes nothing; at even sizes it
      // adds a row and a column that lie outside the image.
      network.stem = .deep(width: 64, ceilMode: false)
      // Multi-grid: the last stage dilates by 2, 2, 4, the first of these beside its stride.
      network.stages[3] = .init(width: 512, stride: 2, dilations: [2, 2, 4])
    }
    backbone = .resNet(network)
  }

  /// How many times smaller than the image the coarsest level is.
  public var deepestStride: Int {
    switch backbone {
    case .resNet: 32
    case .ffnet(let configuration): configuration.deepestStride
    }
  }
}
