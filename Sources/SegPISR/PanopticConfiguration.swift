import SegFFNet
import SegKernels

/// What a panoptic network is made of, by its name in this package.
///
/// `panoptic_deeplab_<encoder>` and `maskformer_<encoder>`, and `pisr_deeplab_<encoder>` and
/// `pisr_maskformer_<encoder>` for the same with PISR. Encoders are ResNets, HRNets and FFNets' backbones:
/// `panoptic_deeplab_resnet50` is the released network; the half-width `ffnet22S_half` has decoders of a quarter of the
/// released widths.
public struct PanopticConfiguration: Sendable, Hashable {
  /// How things are found.
  public enum Base: String, Sendable, Hashable, CaseIterable {
    /// By centres and offsets.
    case deepLab = "deeplab"
    /// By queries with classes and masks.
    case maskFormer = "maskformer"
  }

  /// How things are found.
  public var base: Base
  /// The encoder's name.
  public var encoder: String
  /// K, if there is PISR; see `PanopticRelationConfiguration`.
  public var relationSlots: Int?
  /// Which classes are things; Cityscapes' by default.
  public var things = PanopticConfiguration.cityscapesThings
  /// Channels of the images.
  public var inputChannels = 3

  /// Cityscapes' 19 classes: the eight from person on are things.
  public static let cityscapesThings = (0..<19).map { $0 >= 11 }

  /// Encoders, by name.
  public static let encoders = ["resnet18", "resnet50", "hrnet48", "ffnet22S_half", "ffnet40S"]

  /// Every name.
  public static let names = Base.allCases.flatMap { base in
    encoders.map { (base == .deepLab ? "panoptic_" : "") + "\(base.rawValue)_\($0)" }
      + encoders.map { "pisr_\(base.rawValue)_\($0)" }
  }

  /// Reads a name; nil if it is not one of ``names``.
  public init?(name: String) {
    guard Self.names.contains(name) else { return nil }
    let hasRelation = name.hasPrefix("pisr_")
    let body = hasRelation ? name.dropFirst("pisr_".count) : name.hasPrefix("panoptic_") ? name.dropFirst(9) : name[...]
    guard let base = Base.allCases.first(where: { body.hasPrefix($0.rawValue + "_") }) else { return nil }
    self.base = base
    encoder = String(body.dropFirst(base.rawValue.count + 1))
    relationSlots = hasRelation ? 20 : nil
  }

  /// What the sides of images are best multiples of.
  public let divisor = 32

  /// The encoder, with zero weights.
  func makeEncoder() -> any Encoder {
    if let depth = Int(encoder.dropFirst("resnet".count)), encoder.hasPrefix("resnet"),
      let configuration = ResNetConfiguration.resNet(depth, inputChannels: inputChannels)
    {
      return ResNet(configuration)
    }
    if encoder == "hrnet48" {
      var configuration = HRNetConfiguration.w48
      configuration.inputChannels = inputChannels
      return HRNet(configuration)
    }
    let isHalf = encoder.hasSuffix("_half")
    let name = isHalf ? encoder + "_BCC" : encoder + "_BBB"
    guard let configuration = FFNetConfiguration(name: name, inputChannels: inputChannels) else {
      preconditionFailure("PanopticConfiguration: no encoder is called '\(encoder)'")
    }
    return FFNetBackbone(configuration)
  }

  /// Whether decoders have a quarter of the released widths.
  private var isSmall: Bool { encoder.hasSuffix("_half") }

  private var semanticWidths: PanopticDecoder.Widths {
    isSmall
      ? .init(pyramid: 64, output: 64, skips: [32, 16, 8], head: 64)
      : .init(pyramid: 256, output: 256, skips: [128, 64, 32], head: 256)
  }

  private var instanceWidths: PanopticDecoder.Widths {
    isSmall
      ? .init(pyramid: 64, output: 32, skips: [16, 8, 8], head: 16)
      : .init(pyramid: 256, output: 128, skips: [64, 32, 16], head: 32)
  }

  /// Panoptic-DeepLab without PISR.
  ///
  /// - Parameter seed: draws the weights; nil leaves them zero, for loading.
  public func makeDeepLab(seed: UInt64?) -> PanopticDeepLab {
    PanopticDeepLab(
      encoder: makeEncoder(), semantic: semanticWidths, instance: instanceWidths, things: things, seed: seed)
  }

  /// MaskFormer without PISR.
  ///
  /// - Parameter seed: draws the weights; nil leaves them zero, for loading.
  public func makeMaskFormer(seed: UInt64?) -> MaskFormer {
    let size =
      isSmall
      ? MaskFormer.Size(width: 64, heads: 4, hidden: 256) : MaskFormer.Size(width: 256, heads: 8, hidden: 2048)
    return MaskFormer(encoder: makeEncoder(), size, things: things, seed: seed)
  }

  /// The network, with PISR if the name says so.
  public func makeNetwork(seed: UInt64?) -> any PanopticNetwork {
    switch base {
    case .deepLab: return withRelation(makeDeepLab(seed: seed), seed: seed)
    case .maskFormer: return withRelation(makeMaskFormer(seed: seed), seed: seed)
    }
  }

  private func withRelation(_ network: some PanopticBase, seed: UInt64?) -> any PanopticNetwork {
    guard let relationSlots else { return network }
    let relation = PanopticRelation(
      .init(channels: network.relationChannels, classes: things.count, instances: relationSlots))
    return RelationalPanoptic(network, .relation(relation), seed: seed)
  }
}
