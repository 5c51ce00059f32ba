/// What a high-resolution network is made of.
///
/// Widths double from branch to branch, so one number names a network: W48 has branches of 48, 96, 192 and 384
/// channels.
public struct HRNetConfiguration: Sendable, Hashable {
  /// The channels of the finest branch; each coarser branch has twice as many.
  public var width: Int
  /// Bottleneck blocks of the first stage, which has one branch of 64 channels (256 behind the blocks).
  public var stemBlocks: Int
  /// Basic blocks of every branch of a module.
  public var branchBlocks: Int
  /// Modules of stages 2, 3 and 4, which have as many branches as their numbers say.
  public var modules: [Int]
  /// A learned 2×2 convolution of stride 2 in front of everything, from the image's channels to as many.
  public var hasHalvingConvolution: Bool
  /// Channels of the images.
  public var inputChannels = 3

  /// A network of given parts.
  public init(
    width: Int, stemBlocks: Int = 4, branchBlocks: Int = 4, modules: [Int] = [1, 4, 3],
    hasHalvingConvolution: Bool = false, inputChannels: Int = 3
  ) {
    check(
      width > 0 && modules.count == 3, "HRNetConfiguration",
      "expected a positive width and modules for three stages, found \(width) and \(modules)")
    self.width = width
    self.stemBlocks = stemBlocks
    self.branchBlocks = branchBlocks
    self.modules = modules
    self.hasHalvingConvolution = hasHalvingConvolution
    self.inputChannels = inputChannels
  }

  /// HRNetV2-W48.
  public static let w48 = HRNetConfiguration(width: 48)
  /// The small network of width 18 that InverseForm released: W18-small-v2 with three modules in its third stage.
  public static let w18Small = HRNetConfiguration(width: 18, stemBlocks: 2, branchBlocks: 2, modules: [1, 3, 2])
  /// InverseForm's "slim" network: that of width 16, on the image at half its size.
  public static let w16Slim = HRNetConfiguration(
    width: 16, stemBlocks: 2, branchBlocks: 2, modules: [1, 3, 2], hasHalvingConvolution: true)

  /// The channels of the four branches, finest first.
  public var branchChannels: [Int] { (0..<4).map { width << $0 } }

  /// How many times smaller than the image the finest branch is.
  public var finestStride: Int { hasHalvingConvolution ? 8 : 4 }
}
