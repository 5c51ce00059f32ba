import SegKernels
import SegTraining

/// MaskFormer: things and stuff alike by queries, each with a class, or none, and a mask.
///
/// image → encoder maps at 1/4 … 1/32 → pixel decoder → F, C×h×w at 1/4; learned queries attend to the coarsest map,
/// layer by layer; heads → for each query C + 1 logits and the mask's logits e_q · E(p), e_q three linear layers of the
/// query and E a 3×3 convolution of F. Cheng, Schwing and Kirillov, "Per-Pixel Classification is Not All You Need for
/// Semantic Segmentation", 2021. Parameter names are this package's.
public final class MaskFormer: PanopticBase {
  /// How large the parts are.
  public struct Size: Sendable, Hashable {
    /// C, of F and of the queries.
    public var width: Int
    /// Heads of attention.
    public var heads: Int
    /// Hidden features of the decoder's layers.
    public var hidden: Int
    /// Layers of the decoder.
    public var layers = 3
    /// Queries.
    public var queries = 50

    /// A size; three layers and 50 queries by default (published: six and 100).
    public init(width: Int, heads: Int, hidden: Int) {
      self.width = width
      self.heads = heads
      self.hidden = hidden
    }
  }

  /// What the heads read.
  public struct Features {
    /// F, N×C×h×w.
    public let map: Tensor
    /// N×Q×C behind every layer of the decoder in training, behind the last one otherwise.
    public let queries: [Tensor]
  }

  /// What the heads make of the queries behind one layer.
  public struct Layer {
    /// N×Q×(classes + 1) logits, the last for none.
    public let classes: Tensor
    /// N×Q×h×w logits.
    public let masks: Tensor

    /// Logits of given parts.
    public init(classes: Tensor, masks: Tensor) {
      self.classes = classes
      self.masks = masks
    }
  }

  /// What the heads predict, the last layer's queries last; all others are there for training alone.
  public struct Prediction {
    /// Layer by layer, at least one.
    public let layers: [Layer]

    /// A prediction of given layers.
    public init(layers: [Layer]) { self.layers = layers }
  }

  /// The layers behind the features.
  public final class Heads: Module {
    fileprivate let classes: Linear, embedding: [Linear], pixels: Conv2d

    fileprivate init(_ width: Int, classes: Int) {
      self.classes = Linear(inputFeatures: width, outputFeatures: classes + 1)
      embedding = (0..<3).map { _ in Linear(inputFeatures: width, outputFeatures: width) }
      pixels = Conv2d(inputChannels: width, outputChannels: width, kernel: 3, bias: true)
    }

    public var parts: [Part] {
      [Part("class_embed", classes), Part("mask_embed.layers", embedding), Part("mask_features", pixels)]
    }
  }

  private let encoder: any Encoder
  private let pixelDecoder: PixelDecoder
  private let queryDecoder: QueryDecoder
  private let size: Size
  private var isTraining = false
  /// Classes and masks of the queries.
  public let heads: Heads
  /// Which classes are things.
  public let things: [Bool]

  /// A network on an encoder.
  ///
  /// - Parameters:
  ///   - encoder: of four maps, at 1/4, 1/8, 1/16 and 1/32.
  ///   - size: how large the parts are.
  ///   - things: which classes are things.
  ///   - seed: draws the weights by He's rule, fan out, and the queries from N(0, 1); nil leaves zeros, for loading.
  public init(encoder: any Encoder, _ size: Size, things: [Bool], seed: UInt64?) {
    self.encoder = encoder
    self.size = size
    self.things = things
    pixelDecoder = PixelDecoder(inputChannels: encoder.outputChannels, width: size.width)
    queryDecoder = QueryDecoder(inputChannels: encoder.outputChannels.last!, size)
    heads = Heads(size.width, classes: things.count)
    guard let seed else { return }
    initialize(.kaimingFanOut, seed: seed)
    var random = RandomSource(seed: seed, name: "query_embed")
    queryDecoder.queries.value = .normal(queryDecoder.queries.shape, using: &random)
  }

  public var parts: [Part] {
    [
      Part("backbone", encoder), Part("pixel_decoder", pixelDecoder), Part("query_decoder", queryDecoder),
      Part("heads", heads),
    ]
  }

  public func trainingChanged(to isTraining: Bool) { self.isTraining = isTraining }

  /// Heads of the same width, with zero weights.
  public func makeHeads() -> Heads { Heads(size.width, classes: things.count) }

  /// F and the queries of images N×C×H×W.
  public func features(of x: Tensor) -> Features {
    let maps = encoder(x), queries = queryDecoder(maps.last!)
    return Features(map: pixelDecoder(maps), queries: isTraining ? queries : Array(queries.suffix(1)))
  }

  /// Classes and masks of the queries behind each layer that the features have.
  public func prediction(from features: Features, by heads: Heads) -> Prediction {
    let map = heads.pixels(features.map)
    return Prediction(
      layers: features.queries.map { queries in
        var embedding = queries
        for (index, layer) in heads.embedding.enumerated() {
          embedding = layer(embedding)
          if index < heads.embedding.count - 1 { embedding = relu(embedding) }
        }
        return Layer(classes: heads.classes(queries), masks: channelProduct(embedding, map))
      })
  }

  // Relations enrich F; the queries stay, and their masks are predicted again.

  /// C of F.
  public var relationChannels: Int { size.width }

  /// F.
  public func relationMap(of features: Features) -> Tensor { features.map }

  /// Another F; the queries stay.
  public func replacingRelationMap(of features: Features, with map: Tensor) -> Features {
    Features(map: map, queries: features.queries)
  }

  /// S_c = Σ_q p_q(c) · m_q, and the masks m_q of the K most confident queries whose class is a thing's.
  public func relationMasks(of prediction: Prediction, slots: Int, limit: Int) -> RelationMasks {
    let last = prediction.layers.last!, shape = last.masks.shape
    let p = softmax(last.classes, axis: 2)
    let masks = sigmoid(last.masks).reshaped(shape[0], shape[1], shape[2] * shape[3])
    let classes = semantic(p, masks).reshaped(shape[0], things.count, shape[2], shape[3])
    guard slots > 0 else { return RelationMasks(semantic: classes) }
    let chosen = querySelection(p, things: things, slots: slots, limit: limit)
    return RelationMasks(
      semantic: classes, instances: matmul(chosen, masks).reshaped(shape[0], slots, shape[2], shape[3]),
      filled: chosen.sum(axes: [2]))
  }

  /// Σ_q p_q(c) · m_q, N×C×(h·w).
  private func semantic(_ probabilities: Tensor, _ masks: Tensor) -> Tensor {
    matmul(probabilities.slice(axis: 2, 0..<things.count).permuted(0, 2, 1), masks)
  }

  // Losses and inference.

  /// Class scores Σ_q p_q(c) · m_q, then the last layer's logits of classes N×Q×(classes + 1) and of masks N×Q×h×w.
  public func outputs(of prediction: Prediction) -> [Tensor] {
    let last = prediction.layers.last!
    return [relationMasks(of: prediction, slots: 0, limit: 0).semantic, last.classes, last.masks]
  }

  /// By ``groupMasks(classes:masks:in:rules:)`` with the published rules.
  public func panoptic(_ outputs: [Tensor], in frame: PanopticFrame) -> PanopticLabels {
    groupMasks(classes: outputs[1], masks: outputs[2], in: frame, rules: MaskGroupingRules(things: things))
  }

  /// The sum over the decoder's layers of the losses of classes and masks, by the settings' factors `semantic`,
  /// `noObject`, `focal` and `dice`.
  public func loss(of prediction: Prediction, _ truth: PanopticTruth, _ settings: Recipe.Panoptic) -> Tensor {
    let shape = prediction.layers[0].masks.shape
    let targets = MaskTargets(truth, size: Pair(height: shape[2], width: shape[3]))
    let rules = MaskLoss(settings), losses = prediction.layers.map { rules.loss($0, targets) }
    return losses.dropFirst().reduce(losses[0], +)
  }
}
