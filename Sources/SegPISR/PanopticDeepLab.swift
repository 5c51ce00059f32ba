import SegKernels
import SegTraining

/// Panoptic-DeepLab: classes by one decoder, centres of things and offsets to them by another.
///
/// image → encoder maps at 1/4 … 1/32 → semantic decoder → class logits; instance decoder → a heatmap of centres, and for
/// each pixel where its thing's centre lies. All outputs come at 1/4 of the image; offsets are in pixels there. Parameter
/// names are the released ones (`backbone`, `decoder.semantic_decoder`, `decoder.instance_head.classifier.center`, …).
/// Cheng et al., "Panoptic-DeepLab", 2020, and github.com/bowenc0221/panoptic-deeplab.
public final class PanopticDeepLab: PanopticBase {
  /// What the decoders read from an image, and make.
  public struct Features {
    /// N×C_s×h×w, for classes.
    public let semantic: Tensor
    /// N×C_i×h×w, for centres and offsets.
    public let instance: Tensor
  }

  /// What the heads predict, at 1/4 of the image.
  public struct Prediction {
    /// N×classes×h×w logits.
    public let semantic: Tensor
    /// N×1×h×w.
    public let center: Tensor
    /// N×2×h×w, down and right.
    public let offset: Tensor

    /// A prediction of given maps.
    public init(semantic: Tensor, center: Tensor, offset: Tensor) {
      self.semantic = semantic
      self.center = center
      self.offset = offset
    }
  }

  /// The heads of both decoders.
  public final class Heads: Module {
    fileprivate let semantic: PanopticHead, center: PanopticHead, offset: PanopticHead

    fileprivate init(_ semantic: PanopticDecoder.Widths, _ instance: PanopticDecoder.Widths, classes: Int) {
      self.semantic = PanopticHead(inputChannels: semantic.output, hidden: semantic.head, outputs: classes)
      center = PanopticHead(inputChannels: instance.output, hidden: instance.head, outputs: 1)
      offset = PanopticHead(inputChannels: instance.output, hidden: instance.head, outputs: 2)
    }

    public var parts: [Part] {
      [
        Part("semantic_head.classifier.semantic", semantic), Part("instance_head.classifier.center", center),
        Part("instance_head.classifier.offset", offset),
      ]
    }
  }

  private let encoder: any Encoder
  private let semanticDecoder: PanopticDecoder, instanceDecoder: PanopticDecoder
  private let semanticWidths: PanopticDecoder.Widths, instanceWidths: PanopticDecoder.Widths
  /// Of both decoders.
  public let heads: Heads
  /// Which classes are things.
  public let things: [Bool]

  /// A network on an encoder.
  ///
  /// - Parameters:
  ///   - encoder: of four maps, at 1/4, 1/8, 1/16 and 1/32.
  ///   - semantic: the decoder before the classes.
  ///   - instance: the decoder before centres and offsets.
  ///   - things: which classes are things.
  ///   - seed: draws the weights by He's rule, fan out, those of the last layers small; nil leaves them zero, for
  ///     loading.
  public init(
    encoder: any Encoder, semantic: PanopticDecoder.Widths, instance: PanopticDecoder.Widths, things: [Bool],
    seed: UInt64?
  ) {
    self.encoder = encoder
    self.things = things
    (semanticWidths, instanceWidths) = (semantic, instance)
    semanticDecoder = PanopticDecoder(inputChannels: encoder.outputChannels, semantic)
    instanceDecoder = PanopticDecoder(inputChannels: encoder.outputChannels, instance)
    heads = Heads(semantic, instance, classes: things.count)
    if let seed { initialize(.kaimingFanOut, seed: seed) }
  }

  public var parts: [Part] {
    [
      Part("backbone", encoder), Part("decoder.semantic_decoder", semanticDecoder),
      Part("decoder.instance_decoder", instanceDecoder), Part("decoder", heads),
    ]
  }

  /// Heads of the same widths, with zero weights.
  public func makeHeads() -> Heads { Heads(semanticWidths, instanceWidths, classes: things.count) }

  /// The maps of both decoders, at 1/4 of images N×C×H×W.
  public func features(of x: Tensor) -> Features {
    let maps = encoder(x)
    return Features(semantic: semanticDecoder(maps), instance: instanceDecoder(maps))
  }

  /// Class logits, centres and offsets, at 1/4 of the image.
  public func prediction(from features: Features, by heads: Heads) -> Prediction {
    Prediction(
      semantic: heads.semantic(features.semantic), center: heads.center(features.instance),
      offset: heads.offset(features.instance))
  }

  // Relations see what both decoders know, and give to both.

  /// C_s + C_i.
  public var relationChannels: Int { semanticWidths.output + instanceWidths.output }

  /// Both decoders' maps joined, N×(C_s + C_i)×h×w.
  public func relationMap(of features: Features) -> Tensor {
    concatenate([features.semantic, features.instance], axis: 1)
  }

  /// The first C_s channels as the map for classes, the others as that for centres and offsets.
  public func replacingRelationMap(of features: Features, with map: Tensor) -> Features {
    Features(
      semantic: map.slice(axis: 1, 0..<semanticWidths.output),
      instance: map.slice(axis: 1, semanticWidths.output..<relationChannels))
  }

  /// σ of the heatmaps, in pixels of the image.
  public var heatmapSigma: Float = 8

  /// Probabilities of the classes, and heatmaps of the most confident things by `instanceHeatmaps`, σ as ``heatmapSigma``
  /// says.
  public func relationMasks(of prediction: Prediction, slots: Int, limit: Int) -> RelationMasks {
    let classes = softmax(prediction.semantic)
    guard slots > 0 else { return RelationMasks(semantic: classes) }
    let isThing = Tensor([1, things.count, 1, 1], things.map { $0 ? 1 : 0 })
    let (heatmaps, filled) = instanceHeatmaps(
      centers: prediction.center, offsets: prediction.offset,
      things: (classes * isThing).sum(axes: [1], keepDimensions: true),
      // The maps are a quarter of the image's size.
      rules: HeatmapRules(slots: slots, limit: limit, sigma: heatmapSigma / 4))
    return RelationMasks(semantic: classes, instances: heatmaps, filled: filled)
  }

  // Losses and post-processing.

  /// Class logits N×classes×h×w, centres N×1×h×w and offsets N×2×h×w.
  public func outputs(of prediction: Prediction) -> [Tensor] {
    [prediction.semantic, prediction.center, prediction.offset]
  }

  /// Outputs are enlarged bilinearly, offsets scaled along; then `groupInstances`. A class of stuff must have 1/1024 of the
  /// frame's pixels, which is the published 2,048 at 1024×2048.
  public func panoptic(_ outputs: [Tensor], in frame: PanopticFrame) -> PanopticLabels {
    let rows = 0..<frame.size.height, columns = 0..<frame.size.width
    func enlarged(_ map: Tensor) -> Tensor { resize(map, to: frame.whole, rows: rows, columns: columns) }
    let semantic = argmax(outputs[0], resizedTo: frame.whole, rows: rows, columns: columns)
    // The published area is that of 1024×2048.
    let area = frame.size.height * frame.size.width / 1024
    return groupInstances(
      semantic: semantic.reshaped([rows.count, columns.count]),
      centers: enlarged(outputs[1]).reshaped(rows.count, columns.count),
      offsets: enlarged(inPixels(outputs[2], of: frame.whole)).reshaped(2, rows.count, columns.count),
      rules: GroupingRules(things: things, stuffArea: area))
  }

  /// Offsets in pixels of an enlarged map.
  private func inPixels(_ offset: Tensor, of size: Pair) -> Tensor {
    let scale = [Float(size.height) / Float(offset.shape[2]), Float(size.width) / Float(offset.shape[3])]
    return offset * Tensor([1, 2, 1, 1], scale)
  }

  /// Semantic cross entropy over the hardest pixels, squared error of the centres, absolute error of the offsets: each a
  /// mean over what counts, times its factor.
  public func loss(of prediction: Prediction, _ truth: PanopticTruth, _ settings: Recipe.Panoptic) -> Tensor {
    let targets = PanopticTargets(
      labels: truth.labels, instances: truth.instances, things: truth.things, ignoreIndex: truth.ignoreIndex,
      rules: .init(sigma: settings.sigma, smallArea: settings.smallArea, smallWeight: settings.smallWeight))
    let size = Pair(height: truth.labels.shape[1], width: truth.labels.shape[2])
    func mean(_ errors: Tensor, _ weights: Tensor) -> Tensor {
      (errors * weights).sum() / max(weights.sum().scalar * Float(errors.shape[1]), 1)
    }
    let semantic = hardPixelCrossEntropy(
      resize(prediction.semantic, to: size), targets.semantic, weights: targets.semanticWeights,
      ignoreIndex: truth.ignoreIndex, share: settings.hardShare)
    let center = mean(
      l2Loss(resize(prediction.center, to: size), targets.center, reduction: .none), targets.centerWeights)
    let offset = mean(
      l1Loss(resize(inPixels(prediction.offset, of: size), to: size), targets.offset, reduction: .none),
      targets.offsetWeights)
    return semantic * settings.semantic + center * settings.center + offset * settings.offset
  }
}

/// The mean of the largest pixel losses, a share of all pixels: bootstrapped cross entropy.
///
/// Ignored pixels are among all pixels, with a loss of 0, as in the released `DeepLabCE`.
///
/// - Parameters:
///   - logits: N×C×H×W.
///   - labels: N×H×W.
///   - weights: N×H×W, a factor for each pixel's loss.
///   - share: 0…1.
func hardPixelCrossEntropy(
  _ logits: Tensor, _ labels: Labels, weights: Tensor, ignoreIndex: Int, share: Float
) -> Tensor {
  let losses = crossEntropy(logits, labels, ignoreIndex: ignoreIndex, reduction: .none) * weights
  let count = max(Int(share * Float(losses.count)), 1)
  guard count < losses.count else { return losses.mean() }
  return topK(losses.reshaped(losses.count), k: count, axis: 0).values.mean()
}
