import SegKernels

/// What one FFNet is made of, as its published name says it.
///
/// `ffnet{depth}{family}_{half_?}{d?}{stem}{up-head}{seg-head}{_mobile}{_pre_down}`: depth is the number of convolutions of the
/// backbone (2 a basic block + 2); families are none (ResNet widths), S (slim), N (narrow, three stages), NS (narrow
/// and slim); a leading d means that the first stage is strided too, so that logits come at 1/8 instead of 1/4. `half`,
/// a word of ours, halves every width: a network for experiments on two cores.
/// Mehta et al., "Simple and Efficient Architectures for Semantic Segmentation", 2022 (arXiv 2206.08236).
public struct FFNetConfiguration: Sendable, Hashable {
  /// Backbone widths and stem.
  public enum Family: String, Sendable, Hashable, CaseIterable {
    /// ResNet's widths; no letter.
    case resNet = ""
    /// Slim: smaller widths.
    case slim = "S"
    /// Narrow: three stages.
    case narrow = "N"
    /// Narrow and slim.
    case narrowSlim = "NS"
  }

  /// The size of the adapter, and of the up-head.
  public enum UpHead: String, Sendable, Hashable {
    /// 64, 128, 256 and 512 channels after the adapter, finest level first; 128 a level in the result.
    case a = "A"
    /// 64, 128, 128 and 256 channels after the adapter; 96, 96, 64 and 32 in the result.
    case b = "B"
    /// 128 channels a level after the adapter; 128, 16, 16 and 16 in the result.
    case c = "C"

    /// Widths after the adapter, at f4, f8, f16 and f32.
    var base: [Int] {
      switch self {
      case .a: [64, 128, 256, 512]
      case .b: [64, 128, 128, 256]
      case .c: [128, 128, 128, 128]
      }
    }

    /// Widths that each level contributes to the result.
    var output: [Int] {
      switch self {
      case .a: [128, 128, 128, 128]
      case .b: [96, 96, 64, 32]
      case .c: [128, 16, 16, 16]
      }
    }
  }

  /// What the network predicts.
  public enum Task: Sendable, Hashable {
    /// 3×3 to 512, then 1×1 (A); 3×3 to 256, then 3×3 (B); 3×3 to 128, then 1×1 (C).
    case segmentation(hidden: Int, kernel: Int)
    /// Classes of whole images, ImageNet's.
    case classification(dropout: Float?)

    /// The segmentation head of a letter.
    static func segmentation(_ letter: Character) -> Task? {
      switch letter {
      case "A": .segmentation(hidden: 512, kernel: 1)
      case "B": .segmentation(hidden: 256, kernel: 3)
      case "C": .segmentation(hidden: 128, kernel: 1)
      default: nil
      }
    }
  }

  /// Convolutions of the backbone, as the name counts them.
  public let depth: Int
  /// Backbone widths and stem.
  public let family: Family
  /// The first stage is strided as well.
  public let isDownsampled: Bool
  /// The size of the adapter, and of the up-head.
  public let upHead: UpHead
  /// What the network predicts.
  public let task: Task
  /// Nearest up-sampling in the up-head instead of bilinear with aligned corners: for phones' processors.
  public let isMobile: Bool
  /// Half of the published widths, in backbone and heads.
  public let isHalfWidth: Bool
  /// A fixed Gaussian halves the image first.
  public let hasPreDownsampling: Bool
  /// 19 for Cityscapes, 1000 for ImageNet, or the user's own.
  public var classes: Int
  /// Channels of the images.
  public var inputChannels = 3

  /// Reads a published name, with or without the prefix `segmentation_`; nil if it does not name a network that can
  /// be built. The suffix `_train` names the same network.
  public init?(name: String, classes: Int? = nil, inputChannels: Int = 3) {
    var parts = name.split(separator: "_").map(String.init)
    if parts.last == "train" { parts.removeLast() }
    let isClassification = parts.first == "classification"
    if isClassification || parts.first == "segmentation" { parts.removeFirst() }
    isHalfWidth = parts.count > 1 && parts[1] == "half"
    if isHalfWidth { parts.remove(at: 1) }
    guard parts.count >= 2, parts[0].hasPrefix("ffnet") else { return nil }
    let body = parts[0].dropFirst(5)
    let digits = body.prefix { $0.isNumber }
    var letters = parts[1]
    let isDownsampled = letters.hasPrefix("d")
    if isDownsampled { letters.removeFirst() }
    let flags = parts.dropFirst(2).joined(separator: "_")
    guard let depth = Int(digits), let family = Family(rawValue: String(body.dropFirst(digits.count))),
      Self.blocks[family]?[depth] != nil, letters.count == 3,
      ["", "mobile", "pre_down", "mobile_pre_down"].contains(flags),
      letters.first == family.stemLetter, !isHalfWidth || family == .slim,
      let upHead = UpHead(rawValue: String(Array(letters)[1]))
    else { return nil }
    let last = Array(letters)[2]
    guard isClassification == (last == "X"),
      let task = isClassification
        ? .classification(dropout: family.stageCount == 3 ? 0.2 : nil) : Task.segmentation(last)
    else { return nil }
    self.depth = depth
    self.family = family
    self.isDownsampled = isDownsampled
    self.upHead = upHead
    self.task = task
    self.isMobile = flags.hasPrefix("mobile")
    hasPreDownsampling = flags.hasSuffix("pre_down")
    self.classes = classes ?? (isClassification ? 1000 : 19)
    self.inputChannels = inputChannels
  }

  /// Blocks a stage, by family and depth.
  private static let blocks: [Family: [Int: [Int]]] = [
    .resNet: [
      18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 56: [4, 8, 12, 3], 86: [8, 12, 16, 6],
      101: [3, 4, 23, 3], 134: [8, 18, 28, 12], 150: [16, 18, 28, 12],
    ],
    .slim: [
      22: [2, 3, 3, 2], 30: [3, 4, 4, 3], 40: [4, 5, 6, 4], 54: [5, 8, 8, 5], 78: [6, 12, 12, 8], 86: [8, 12, 16, 6],
      150: [16, 18, 28, 12],
    ],
    .narrow: [46: [6, 8, 8], 74: [8, 12, 16], 122: [16, 24, 20]],
    .narrowSlim: [46: [6, 8, 8], 74: [8, 12, 16], 122: [16, 24, 20]],
  ]

  /// The residual network underneath.
  var backbone: ResNetConfiguration {
    let isBottleneck = family == .resNet && (depth == 50 || depth == 101)
    let first = isDownsampled || family.stageCount == 3 ? 2 : 1
    let stages = zip(Self.blocks[family]![depth]!, scaled(family.widths)).enumerated().map { index, stage in
      ResNetConfiguration.Stage(depth: stage.0, width: stage.1, stride: index == 0 ? first : 2)
    }
    let stem: StemKind = isHalfWidth ? .twoConvolutions(width: 16) : family.stem
    return ResNetConfiguration(
      stem: stem, block: isBottleneck ? .bottleneck : .basic, stages: stages, inputChannels: inputChannels)
  }

  /// Published widths as this network has them.
  func scaled(_ widths: [Int]) -> [Int] { isHalfWidth ? widths.map { $0 / 2 } : widths }

  /// How many times smaller than the image the deepest map is: what the image's sides are best multiples of.
  public var deepestStride: Int { (isDownsampled ? 64 : 32) * (hasPreDownsampling ? 2 : 1) }
}

extension FFNetConfiguration.Family {
  var stem: StemKind {
    switch self {
    case .resNet: .standard
    case .slim: .twoConvolutions(width: 32)
    case .narrow, .narrowSlim: .threeConvolutions
    }
  }

  var stemLetter: Character {
    switch self {
    case .resNet: "A"
    case .slim: "B"
    case .narrow, .narrowSlim: "C"
    }
  }

  /// The letters of the family's ImageNet classifiers: one up-head serves all.
  var imageNetLetters: String {
    switch self {
    case .resNet: "AAX"
    case .slim: "BBX"
    case .narrow, .narrowSlim: "CBX"
    }
  }

  var widths: [Int] {
    switch self {
    case .resNet: [64, 128, 256, 512]
    case .slim: [64, 128, 192, 320]
    case .narrow: [96, 160, 320]
    case .narrowSlim: [64, 128, 256]
    }
  }

  var stageCount: Int { widths.count }
}
