/// What a residual network is made of.
public struct ResNetConfiguration: Sendable, Hashable {
  /// One stage: blocks of one width.
  public struct Stage: Sendable, Hashable {
    /// The channels of the 3×3 convolutions.
    public let width: Int
    /// The stride of the first block.
    public let stride: Int
    /// The dilation of the 3×3 convolutions of each block; as many as the stage has blocks.
    public let dilations: [Int]

    /// A stage of `depth` blocks that share one dilation.
    public init(depth: Int, width: Int, stride: Int, dilation: Int = 1) {
      self.init(width: width, stride: stride, dilations: [Int](repeating: dilation, count: depth))
    }

    /// A stage whose blocks have their own dilations: multi-grid.
    public init(width: Int, stride: Int, dilations: [Int]) {
      self.width = width
      self.stride = stride
      self.dilations = dilations
    }
  }

  /// The first layers.
  public var stem: StemKind
  /// The kind of every block.
  public var block: ResidualBlockKind
  /// The stages, finest first.
  public var stages: [Stage]
  /// Channels of the images.
  public var inputChannels = 3

  /// A network of given parts.
  public init(stem: StemKind, block: ResidualBlockKind, stages: [Stage], inputChannels: Int = 3) {
    self.stem = stem
    self.block = block
    self.stages = stages
    self.inputChannels = inputChannels
  }

  /// The networks of He et al. 2016 by their depth, 18, 34, 50, 101 or 152; nil for any other.
  ///
  /// - Parameters:
  ///   - depth: the number of layers, of which the name speaks.
  ///   - dilated: how many of the last stages keep their size and dilate instead (output stride 32, 16, 8). As
  ///     torchvision does, the first block of such a stage still has the dilation of the stage before.
  ///   - inputChannels: of the images.
  public static func resNet(_ depth: Int, dilated: Int = 0, inputChannels: Int = 3) -> ResNetConfiguration? {
    let depths: [Int: [Int]] = [
      18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3],
    ]
    guard let blocks = depths[depth], (0...3).contains(dilated) else { return nil }
    var dilation = 1
    let stages = blocks.enumerated().map { index, count -> Stage in
      let previous = dilation
      let isDilated = index >= 4 - dilated
      if isDilated { dilation *= 2 }
      return Stage(
        width: 64 << index, stride: index == 0 || isDilated ? 1 : 2,
        dilations: [previous] + [Int](repeating: dilation, count: count - 1))
    }
    return ResNetConfiguration(
      stem: .standard, block: depth < 50 ? .basic : .bottleneck, stages: stages, inputChannels: inputChannels)
  }
}

/// A residual network without its classifier: the encoder of most models here.
///
/// Parameter names are torchvision's: `conv1`, `bn1`, `layer1.0.conv1`, … He et al., "Deep Residual Learning for Image
/// Recognition", 2016.
public final class ResNet: Encoder {
  /// What the network is made of.
  public let configuration: ResNetConfiguration
  private let stem: Stem
  private let stages: [[ResidualBlock]]

  /// A network with zero weights; see ``Module/initialize(_:seed:)`` and ``Module/load(_:rules:)``.
  public init(_ configuration: ResNetConfiguration) {
    self.configuration = configuration
    stem = Stem(configuration.stem, inputChannels: configuration.inputChannels)
    var channels = configuration.stem.outputChannels
    stages = configuration.stages.map { stage in
      stage.dilations.enumerated().map { index, dilation in
        defer { channels = stage.width * configuration.block.expansion }
        return ResidualBlock(
          configuration.block, inputChannels: channels, width: stage.width, stride: index == 0 ? stage.stride : 1,
          dilation: dilation)
      }
    }
  }

  public var outputChannels: [Int] { configuration.stages.map { $0.width * configuration.block.expansion } }

  public var parts: [Part] {
    stem.parts + stages.enumerated().map { Part("layer\($0 + 1)", $1) }
  }

  /// The output of each stage, finest first.
  public func callAsFunction(_ x: Tensor) -> [Tensor] { features(of: x).stages }

  /// The output of the stem, and of each stage.
  public func features(of x: Tensor) -> (stem: Tensor, stages: [Tensor]) {
    let first = stem(x)
    return (first, stages(from: first))
  }

  /// The stem's map before its pooling, at half of the image's size, and the output of each stage: five sizes for
  /// decoders that climb to the image's own.
  public func pyramid(of x: Tensor) -> [Tensor] {
    let (convolved, pooled) = stem.steps(x)
    return [convolved] + stages(from: pooled)
  }

  private func stages(from first: Tensor) -> [Tensor] {
    var y = first
    return stages.map { blocks in
      y = blocks.reduce(y) { $1($0) }
      return y
    }
  }
}

/// A residual network with global average pooling and a linear classifier (`fc`): torchvision's ResNets, key for key.
public final class ResNetClassifier: UnaryModule {
  /// Everything but the classifier.
  public let encoder: ResNet
  private let classifier: Linear

  /// A network with zero weights.
  public init(_ configuration: ResNetConfiguration, classes: Int = 1000) {
    encoder = ResNet(configuration)
    classifier = Linear(inputFeatures: encoder.outputChannels.last!, outputFeatures: classes)
  }

  public var parts: [Part] { encoder.parts + [Part("fc", classifier)] }

  /// Logits N×classes of images N×C×H×W.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let features = encoder(x).last!
    return classifier(adaptiveAveragePool2d(features, outputSize: 1).reshaped(features.shape[0], features.shape[1]))
  }
}
