import SegKernels
import SegTraining

/// A network of two stages, whatever is underneath.
public protocol RelationalNetwork: PanopticNetwork {
  /// How many slots may be filled; nil for all. Traps in use if there are fewer: the weights have as many inputs as slots.
  var instanceLimit: Int? { get set }

  /// Lets the first prediction begin where the network's own heads stand: for training from a network without PISR.
  func copyHeads()
}

/// A panoptic network with PISR between its features and its heads.
///
/// features → first prediction by heads of its own → masks of classes and things → relations → enriched features → the
/// network's heads. Parameters of the network keep their names; `initial` and `relation` are added. While γ is 0 the
/// outputs are those of the network alone, bit for bit. Borse et al. 2022 (arXiv 2204.05370).
public final class RelationalPanoptic<Base: PanopticBase>: RelationalNetwork {
  /// What enriches the features.
  public enum Enrichment {
    /// PISR.
    case relation(PanopticRelation)
    /// Convolutions of about as many parameters that see neither classes nor things: what two stages alone are worth.
    case convolutions(ConvolutionalEnrichment)
  }

  /// The network underneath.
  public let base: Base
  /// What enriches the features.
  public let enrichment: Enrichment
  private let initial: Base.Heads
  /// How many slots may be filled; nil for all.
  public var instanceLimit: Int?

  /// A network that predicts twice.
  ///
  /// - Parameters:
  ///   - base: makes the first prediction.
  ///   - enrichment: what its features pass before the second.
  ///   - seed: draws what is added to the network; nil leaves it zero, for loading.
  public init(_ base: Base, _ enrichment: Enrichment, seed: UInt64?) {
    self.base = base
    self.enrichment = enrichment
    initial = base.makeHeads()
    if let seed { initialize(.kaimingFanOut, seed: seed) }
  }

  /// Which classes are things: those of the network underneath.
  public var things: [Bool] { base.things }

  private var addition: any Module {
    switch enrichment {
    case .relation(let relation): relation
    case .convolutions(let convolutions): convolutions
    }
  }

  public var parts: [Part] { base.parts + [Part("initial", initial), Part("relation", addition)] }

  public func trainingChanged(to isTraining: Bool) { base.trainingChanged(to: isTraining) }

  /// The first prediction and the last.
  public func predictions(_ x: Tensor) -> (initial: Base.Prediction, final: Base.Prediction) {
    let features = base.features(of: x), map = base.relationMap(of: features)
    let first = base.prediction(from: features, by: initial)
    let enriched: Tensor
    switch enrichment {
    case .relation(let relation):
      let slots = relation.configuration.instances
      enriched = relation(map, base.relationMasks(of: first, slots: slots, limit: instanceLimit ?? slots))
    case .convolutions(let convolutions): enriched = convolutions(map)
    }
    let final = base.prediction(from: base.replacingRelationMap(of: features, with: enriched), by: base.heads)
    return (first, final)
  }

  /// The outputs of the last prediction.
  public func outputs(_ x: Tensor) -> [Tensor] { base.outputs(of: predictions(x).final) }

  /// As the network underneath does it.
  public func panoptic(_ outputs: [Tensor], in frame: PanopticFrame) -> PanopticLabels {
    base.panoptic(outputs, in: frame)
  }

  /// The loss of the last prediction, and `settings.initial` times that of the first.
  public func loss(_ images: Tensor, _ truth: PanopticTruth, _ settings: Recipe.Panoptic) -> Tensor {
    let (first, final) = predictions(images)
    let loss = base.loss(of: final, truth, settings)
    return settings.initial > 0 ? loss + base.loss(of: first, truth, settings) * settings.initial : loss
  }

  /// Gives the heads of the first prediction the values of the network's own.
  public func copyHeads() {
    for (target, source) in zip(initial.state, base.heads.state) { target.parameter.value = source.parameter.value }
  }
}

/// F + γ · BN(conv1×1(ReLU(BN(conv3×3(F))))), γ = 0 at the start.
public final class ConvolutionalEnrichment: UnaryModule {
  private let inner: Sequential
  private let gamma = Parameter(.zeros([1]))

  /// A block of about as many parameters as asked for.
  ///
  /// - Parameters:
  ///   - channels: those of the map.
  ///   - parameters: about how many there are to be.
  public init(channels: Int, parameters: Int) {
    let width = max(parameters / (10 * channels), 8)
    inner = Sequential(
      Conv2d(inputChannels: channels, outputChannels: width, kernel: 3, bias: false), BatchNorm2d(channels: width),
      ReLU(), Conv2d(inputChannels: width, outputChannels: channels, kernel: 1, bias: false),
      BatchNorm2d(channels: channels))
  }

  public var parts: [Part] { [Part("inner", inner), Part("gamma", gamma)] }

  /// The enriched map of F, N×C×h×w.
  public func callAsFunction(_ x: Tensor) -> Tensor { x + inner(x) * gamma.value }
}
