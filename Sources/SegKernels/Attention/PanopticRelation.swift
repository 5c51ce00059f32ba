/// What the relations of a panoptic image are computed by, each choice that the paper leaves open by its name.
///
/// Borse et al., "Panoptic, Instance and Semantic Relations", 2022 (arXiv 2204.05370). The paper shows matrices and
/// their shapes; how masks are normalised, what follows the convolutions, and how the result returns to the features it does
/// not show. Defaults are this package's choices.
public struct PanopticRelationConfiguration: Sendable, Hashable, Codable {
  /// How a mask's values become the weights of a sum over pixels.
  public enum Masses: String, Sendable, Hashable, Codable {
    /// Divided by their sum (plus 1e-6): a mean, whatever the image's size.
    case mean
    /// A softmax over the pixels of each mask.
    case softmax
    /// As they are: encodings grow with the image.
    case sum
  }

  /// Which encodings the re-weighting network weighs.
  public enum Weighing: String, Sendable, Hashable, Codable {
    /// Those of classes and of things; those of things alone; none, without such a network.
    case all, instances, none
  }

  /// What turns the re-weighting network's output into a weight.
  public enum Gate: String, Sendable, Hashable, Codable {
    /// 1 / (1 + e⁻ˣ), or the output as it is.
    case sigmoid, identity
  }

  /// How enriched features return.
  public enum Joining: String, Sendable, Hashable, Codable {
    /// F + γ · BN(conv1×1(F_pan)), γ = 0 at the start: an untrained module changes nothing.
    case residual
    /// BN(conv1×1([F, F_pan])) with ReLU.
    case concatenation
  }

  /// C, of the features.
  public var channels: Int
  /// N_sem: semantic masks.
  public var classes: Int
  /// K: instance masks; 0 for relations of classes alone.
  public var instances = 20
  /// How masks become weights.
  public var masses = Masses.mean
  /// Which encodings are weighed.
  public var weighing = Weighing.all
  /// What makes a weight.
  public var gate = Gate.sigmoid
  /// The hidden layers of the re-weighting network have C divided by these.
  public var hiddenDivisors = [2, 4]
  /// Whether logits are divided by √C and the sum over tokens by √(N_sem + K).
  public var isScaled = true
  /// Whether a softmax over the tokens makes F_sp an attention.
  public var hasTokenSoftmax = false
  /// How enriched features return.
  public var joining = Joining.residual

  /// The defaults for features of `channels` and `classes` semantic masks.
  public init(channels: Int, classes: Int, instances: Int = 20) {
    self.channels = channels
    self.classes = classes
    self.instances = instances
  }

  /// N_sem + K.
  public var tokens: Int { classes + instances }
}

/// Soft masks of classes and of things: what encodings are gathered by.
public struct RelationMasks: Sendable {
  /// N×N_sem×H×W, probabilities.
  public let semantic: Tensor
  /// N×K×H×W, in 0…1; 0 in slots without a thing. Nil where there are no slots.
  public let instances: Tensor?
  /// N×K, 1 where a slot is filled and 0 where it is not.
  public let filled: Tensor?

  /// Masks of given parts.
  public init(semantic: Tensor, instances: Tensor? = nil, filled: Tensor? = nil) {
    self.semantic = semantic
    self.instances = instances
    self.filled = filled
  }
}

/// Panoptic encodings, their re-weighting, and the attention from them to the pixels: PISR's module.
///
///     E_j = Σ_p mask_j(p) · F(p) / Σ_p mask_j(p)                  one encoding a class and a thing
///     Ẽ_j = w_j · E_j,  w_j = sigmoid(MLP(E_j))                   re-weighting
///     F_sp = g_s(Ẽ)ᵀ · h(F) / √C                                  tokens × pixels
///     F_pan = g_q(Ẽ) · g_p(F_sp) / √(N_sem + K)                   C × pixels
///     F' = F + γ · BN(conv1×1(F_pan))
///
/// h is a 3×3, g_s, g_q and g_p are 1×1 convolutions, each with norm and ReLU. g_p mixes tokens, so K is fixed by its
/// weights, and tokens have an order: classes, then things by falling confidence. Slots without a thing are zero tokens
/// behind every layer. All products are matrix products of BLAS or convolutions; conv1×1(F_pan) is computed as
/// (conv1×1 · g_q(Ẽ)) · g_p(F_sp), whose first product has tokens in place of pixels.
public final class PanopticRelation: Module {
  /// What it is made of.
  public let configuration: PanopticRelationConfiguration
  private let weighing: [Linear]
  private let h: Sequential, gs: Sequential, gq: Sequential, gp: Sequential
  private let output: Conv2d
  private let outputNorm: BatchNorm2d
  private let gamma: Parameter?

  /// A module with zero weights.
  public init(_ configuration: PanopticRelationConfiguration) {
    self.configuration = configuration
    let c = configuration.channels, t = configuration.tokens
    func unit(_ input: Int, _ outputs: Int, kernel: Int) -> Sequential {
      Sequential(
        Conv2d(inputChannels: input, outputChannels: outputs, kernel: Pair(kernel), bias: false),
        BatchNorm2d(channels: outputs), ReLU())
    }
    let widths = [c] + configuration.hiddenDivisors.map { max(c / $0, 1) } + [1]
    weighing =
      configuration.weighing == .none
      ? [] : zip(widths, widths.dropFirst()).map { Linear(inputFeatures: $0, outputFeatures: $1) }
    (h, gs, gq, gp) = (unit(c, c, kernel: 3), unit(c, c, kernel: 1), unit(c, c, kernel: 1), unit(t, t, kernel: 1))
    let isResidual = configuration.joining == .residual
    output = Conv2d(inputChannels: isResidual ? c : 2 * c, outputChannels: c, kernel: 1, bias: false)
    outputNorm = BatchNorm2d(channels: c)
    gamma = isResidual ? Parameter(.zeros([1])) : nil
  }

  public var parts: [Part] {
    [
      Part("weighing", weighing), Part("h", h), Part("g_s", gs), Part("g_q", gq), Part("g_p", gp),
      Part("output.0", output), Part("output.1", outputNorm), Part("gamma", gamma),
    ]
  }

  /// Enriched features, N×C×H×W.
  ///
  /// - Parameters:
  ///   - features: N×C×H×W.
  ///   - masks: of the features' size.
  public func callAsFunction(_ features: Tensor, _ masks: RelationMasks) -> Tensor {
    let x = features.shape, c = configuration.channels
    check(x.rank == 4 && x[1] == c, "PanopticRelation", "expected features N×\(c)×H×W, found \(x)")
    let encodings = self.encodings(features, masks), filled = self.filled(masks, images: x[0])
    guard let gamma else {
      let relation = self.relation(features, encodings, filled: filled)
      return outputNorm(output(concatenate([features, relation], axis: 1)), rectified: true)
    }
    return features + outputNorm(relation(features, encodings, filled: filled) { output($0) }) * gamma.value
  }

  /// Panoptic encodings before re-weighting, N×(N_sem + K)×C: the masks' means of the features.
  public func encodings(_ features: Tensor, _ masks: RelationMasks) -> Tensor {
    let x = features.shape, pixels = x[2] * x[3]
    let all =
      (masks.instances.map { configuration.instances > 0 ? [masks.semantic, $0] : [masks.semantic] })
      ?? [masks.semantic]
    let mask = all.count > 1 ? concatenate(all, axis: 1) : all[0]
    check(
      mask.shape == [x[0], configuration.tokens, x[2], x[3]], "PanopticRelation",
      "expected masks of \(configuration.classes) classes and \(configuration.instances) things of \(x)'s size, found "
        + "\(all.map(\.shape))")
    let rows = mask.reshaped(x[0], configuration.tokens, pixels), columns = features.reshaped(x[0], x[1], pixels)
    switch configuration.masses {
    case .sum: return linear(rows, weight: columns)
    case .mean: return linear(rows, weight: columns) / (rows.sum(axes: [2], keepDimensions: true) + 1e-6)
    case .softmax: return linear(softmax(rows, axis: 2), weight: columns)
    }
  }

  /// One weight for each encoding, N×(N_sem + K)×1.
  public func weights(of encodings: Tensor) -> Tensor {
    let shape = encodings.shape, tokens = shape[1]
    guard !weighing.isEmpty else { return .ones([shape[0], tokens, 1]) }
    var y = encodings.reshaped(shape[0] * tokens, shape[2])
    for (index, layer) in weighing.enumerated() {
      y = layer(y)
      if index < weighing.count - 1 { y = relu(y) }
    }
    let weights = (configuration.gate == .sigmoid ? sigmoid(y) : y).reshaped(shape[0], tokens, 1)
    guard configuration.weighing == .instances, configuration.instances > 0 else { return weights }
    let own = weights.slice(axis: 1, configuration.classes..<tokens)
    return concatenate([.ones([shape[0], configuration.classes, 1]), own], axis: 1)
  }

  /// Which tokens there are, N×1×(N_sem + K)×1; nil for all.
  private func filled(_ masks: RelationMasks, images: Int) -> Tensor? {
    guard configuration.instances > 0, let filled = masks.filled else { return nil }
    return concatenate([.ones([images, configuration.classes]), filled], axis: 1)
      .reshaped(images, 1, configuration.tokens, 1)
  }

  /// F_pan behind a map of its channels, which is applied to the few tokens in place of all pixels; N×C×H×W.
  private func relation(
    _ features: Tensor, _ encodings: Tensor, filled: Tensor?, _ map: (Tensor) -> Tensor = { $0 }
  ) -> Tensor {
    let (images, c, t) = (features.shape[0], features.shape[1], configuration.tokens)
    // Tokens as the pixels of an image, ready for 1×1 convolutions.
    let tokens = (encodings * weights(of: encodings)).permuted(0, 2, 1).reshaped(images, c, t, 1)
    // Scales go to the tokens as well.
    func projected(_ layer: Sequential, scale: Int) -> Tensor {
      let y = layer(tokens)
      // Norms give zero tokens a value: it is taken away again.
      let kept = filled.map { y * $0 } ?? y
      return configuration.isScaled ? kept * (1 / Float(scale).squareRoot()) : kept
    }
    let keys = projected(gs, scale: c).reshaped(images, c, t).permuted(0, 2, 1)
    var spatial = channelProduct(keys, h(features))
    if configuration.hasTokenSoftmax { spatial = softmax(spatial, axis: 1) }
    return channelProduct(map(projected(gq, scale: t)).reshaped(images, c, t), gp(spatial))
  }
}
