import SegKernels

/// What the HS3-Fuse blocks of a network are made of.
public struct HS3FuseConfiguration: Sendable, Hashable {
  /// The channels of each stage's transformed map.
  public var channels: Int
  /// d of the attention to clusters.
  public var keyChannels: Int

  /// Blocks for features of a given width: 64 and 32 up to 128 channels (the package's half-width networks), else 128
  /// and 64.
  public init(featureChannels: Int) {
    (channels, keyChannels) = featureChannels <= 128 ? (64, 32) : (128, 64)
  }
}

/// HS3-Fuse: a network whose last features are joined with what the heads on its stages have learned.
///
/// For each stage i: T = ReLU(norm(conv3×3(map))); regions o_k = Σ_p softmax_p(head_k) · T_p, one a cluster; context of
/// each pixel by attention to them (`ObjectContext`, shared with OCR); y_i = ReLU(norm(conv1×1([context, T]))). All y_i
/// are enlarged to the network's last features f, and f' = ReLU(norm(conv1×1([f, y_1, …]))) goes into the network's own
/// classifier. The paper's abstract says that learned features are fused; the block is our reading.
///
/// Parameters of the network keep their names; the others begin with `stage_heads.` and `fuse.`.
public final class HS3Fuse: FeatureSegmenter, StageSupervised {
  /// The network underneath.
  public let base: any StagedSegmenter & FeatureSegmenter
  private let places: [Int]
  private let heads: StageHeads
  private let blocks: FuseBlocks

  /// A network whose stages are told apart and joined with its last features.
  ///
  /// - Parameters:
  ///   - base: the network that shows its stages and features.
  ///   - clusters: of each usual stage, how many clusters its head tells apart.
  ///   - seed: draws the weights of heads and blocks; nil leaves them zero, for loading.
  /// - Throws: ``StageError`` if the network shows no stages.
  public init(
    _ base: any StagedSegmenter & FeatureSegmenter, clusters: (_ stages: Int) -> [Int], seed: UInt64?
  ) throws {
    self.base = base
    places = try base.places(of: [])
    let stages = places.map { base.stages[$0] }
    heads = StageHeads(stages, clusters: clusters(places.count), seed: seed)
    blocks = FuseBlocks(stages, featureChannels: base.featureChannels)
    if let seed { blocks.initialize(.kaimingFanOut, seed: seed) }
  }

  public var parts: [Part] { base.parts + [Part("stage_heads", heads), Part("fuse", blocks)] }

  public func trainingChanged(to isTraining: Bool) { base.trainingChanged(to: isTraining) }

  /// Those of the network underneath.
  public var featureChannels: Int { base.featureChannels }

  /// f', the network's last features joined with what the heads have learned.
  public func features(of x: Tensor) -> Tensor { fused(x).features }

  /// By the network's own classifier.
  public func logits(of features: Tensor) -> Tensor { base.logits(of: features) }

  /// The network itself: it needs its heads to predict.
  public var segmenter: any UnaryModule { self }
  /// The stages that are usual for the network.
  public var stageNames: [String] { places.map { base.stages[$0].name } }

  /// The logits of f', and those of each head, N×clusters×hᵢ×wᵢ, from one pass.
  public func supervised(_ x: Tensor) -> (logits: Tensor, stages: [Tensor]) {
    let (features, scores) = fused(x)
    return (logits(of: features), scores)
  }

  private func fused(_ x: Tensor) -> (features: Tensor, scores: [Tensor]) {
    let pass = base.staged(x), maps = places.map { pass.maps[$0] }, scores = heads(maps)
    guard let features = pass.features else {
      misuse("HS3Fuse", "the network's logits are a function of no single map")
    }
    return (blocks(features, maps, scores), scores)
  }
}

/// A transformation and an object context a stage, and the convolution that joins them with the last features.
private final class FuseBlocks: Module {
  private let stages: [(name: String, transform: Sequential, context: ObjectContext)]
  private let joining: Sequential

  init(_ stages: [NetworkStage], featureChannels: Int) {
    let configuration = HS3FuseConfiguration(featureChannels: featureChannels), width = configuration.channels
    self.stages = stages.map { stage in
      (
        stage.name,
        Sequential(
          Conv2d(inputChannels: stage.channels, outputChannels: width, kernel: 3, bias: false),
          BatchNorm2d(channels: width), ReLU()),
        ObjectContext(channels: width, keyChannels: configuration.keyChannels, outputChannels: width, dropout: 0)
      )
    }
    joining = Sequential(
      Conv2d(
        inputChannels: featureChannels + stages.count * width, outputChannels: featureChannels, kernel: 1, bias: false),
      BatchNorm2d(channels: featureChannels), ReLU())
  }

  var parts: [Part] {
    stages.flatMap { [Part("\($0.name).transform", $0.transform), Part("\($0.name).context", $0.context)] }
      + [Part("joining", joining)]
  }

  func callAsFunction(_ features: Tensor, _ maps: [Tensor], _ scores: [Tensor]) -> Tensor {
    let size = Pair(height: features.shape[2], width: features.shape[3])
    let own = stages.indices.map { index in
      resize(stages[index].context(stages[index].transform(maps[index]), scores: scores[index]), to: size)
    }
    return joining(concatenate([features] + own, axis: 1))
  }
}
