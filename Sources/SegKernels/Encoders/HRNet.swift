/// A network that keeps a fine map from the first layer to the last, beside ever coarser ones that it exchanges with.
///
/// image → two 3×3 convolutions of stride 2 → bottleneck blocks → stages 2, 3, 4 of 2, 3, 4 branches, at 1/4, 1/8, 1/16
/// and 1/32. A stage takes existing branches as they are and makes its new, coarsest one from the coarsest before it by
/// a convolution of stride 2. Parameter names are the published ones: `conv1`, `layer1.0.conv1`, `transition1.0.0`,
/// `stage2.0.branches.0.0.conv1`, `stage2.0.fuse_layers.0.1.0`, … Wang et al., "Deep High-Resolution Representation
/// Learning for Visual Recognition", 2020 (HRNetV2).
public final class HRNet: Encoder {
  /// What the network is made of.
  public let configuration: HRNetConfiguration
  private let halving: Conv2d?
  private let stem: [(conv: Conv2d, norm: BatchNorm2d)]
  private let firstStage: [ResidualBlock]
  /// For stages 2, 3 and 4, by branch: what makes the branch; nil where it is taken as it is.
  private let transitions: [[Sequential?]]
  private let stages: [[ExchangeModule]]

  /// A network with zero weights; see ``Module/initialize(_:seed:)`` and ``Module/load(_:rules:)``.
  public init(_ configuration: HRNetConfiguration) {
    self.configuration = configuration
    let input = configuration.inputChannels
    halving =
      configuration.hasHalvingConvolution
      ? Conv2d(inputChannels: input, outputChannels: input, kernel: 2, stride: 2, padding: 0, bias: false) : nil
    stem = [(input, 64), (64, 64)].map {
      (
        Conv2d(inputChannels: $0, outputChannels: $1, kernel: 3, stride: 2, bias: false), BatchNorm2d(channels: $1)
      )
    }
    firstStage = (0..<configuration.stemBlocks).map {
      ResidualBlock(.bottleneck, inputChannels: $0 == 0 ? 64 : 256, width: 64, stride: 1, dilation: 1)
    }
    let channels = configuration.branchChannels
    transitions = (2...4).map { branches in
      (0..<branches).map { branch in
        if branches == 2 {
          // Out of the first stage, whose width is no branch's.
          return branch == 0
            ? Sequential(Self.convolution(256, channels[0]), BatchNorm2d(channels: channels[0]), ReLU())
            : Self.strided(256, channels[1])
        }
        return branch == branches - 1 ? Self.strided(channels[branch - 1], channels[branch]) : nil
      }
    }
    stages = zip(2...4, configuration.modules).map { branches, count in
      (0..<count).map { _ in
        ExchangeModule(channels: Array(channels[..<branches]), blocks: configuration.branchBlocks)
      }
    }
  }

  /// 3×3 without bias.
  private static func convolution(_ input: Int, _ output: Int, stride: Pair = 1) -> Conv2d {
    Conv2d(inputChannels: input, outputChannels: output, kernel: 3, stride: stride, bias: false)
  }

  /// A new coarsest branch, named as a list of one convolution.
  private static func strided(_ input: Int, _ output: Int) -> Sequential {
    Sequential([
      ("0.0", convolution(input, output, stride: 2)), ("0.1", BatchNorm2d(channels: output)), ("0.2", ReLU()),
    ])
  }

  public var outputChannels: [Int] { configuration.branchChannels }

  public var parts: [Part] {
    [Part("conv0", halving)]
      + stem.enumerated().flatMap { [Part("conv\($0 + 1)", $1.conv), Part("bn\($0 + 1)", $1.norm)] }
      + [Part("layer1", firstStage)]
      + stages.indices.flatMap { index in
        transitions[index].enumerated().map { Part("transition\(index + 1).\($0)", $1) }
          + [Part("stage\(index + 2)", stages[index])]
      }
  }

  /// The four branches, finest first.
  public func callAsFunction(_ x: Tensor) -> [Tensor] { branches(of: x).last! }

  /// The branches behind stages 2, 3 and 4, each finest first.
  public func branches(of x: Tensor) -> [[Tensor]] {
    var y = halving?(x) ?? x
    for unit in stem { y = unit.norm(unit.conv(y), rectified: true) }
    var branches = [firstStage.reduce(y) { $1($0) }]
    return zip(transitions, stages).map { transition, modules -> [Tensor] in
      let coarsest = branches.last!
      branches = transition.enumerated().map { branch, make in make?(coarsest) ?? branches[branch] }
      branches = modules.reduce(branches) { $1($0) }
      return branches
    }
  }
}

/// Maps of several resolutions as one, at the size of the first: how HRNetV2 hands its branches to a head.
///
/// - Parameter maps: N×Cᵢ×hᵢ×wᵢ. The others are resized bilinearly, corners not aligned.
/// - Returns: N×ΣCᵢ×h₀×w₀, in the given order.
public func concatenatedAtFinestSize(_ maps: [Tensor]) -> Tensor {
  check(!maps.isEmpty, "concatenatedAtFinestSize", "needs at least one map")
  let size = Pair(height: maps[0].shape[2], width: maps[0].shape[3])
  return concatenate([maps[0]] + maps.dropFirst().map { resize($0, to: size) }, axis: 1)
}
