/// The mean feature of each object region: what a soft map of regions gathers from the pixels.
///
/// o_k = Σ_p softmax_p(scores_kp) · x_p. Yuan, Chen and Wang, "Object-Contextual Representations for Semantic
/// Segmentation", 2020, equation 2. The softmax runs over the pixels of one region's map; a constant added to a map
/// changes nothing.
///
/// - Parameters:
///   - features: N×C×H×W.
///   - scores: N×K×H×W, the logits of K regions.
/// - Returns: N×C×K×1: regions as the pixels of an image, ready for 1×1 convolutions.
public func objectRegions(of features: Tensor, scores: Tensor) -> Tensor {
  let (x, s) = (features.shape, scores.shape)
  check(
    x.rank == 4 && s.rank == 4 && x[0] == s[0] && x[2...].elementsEqual(s[2...]), "objectRegions",
    "expected features N×C×H×W and scores N×K×H×W, found \(x) and \(s)")
  let shares = softmax(scores.reshaped(s[0], s[1], s[2] * s[3]), axis: 2)
  let pixels = features.reshaped(x[0], x[1], x[2] * x[3])
  return matmul(pixels, shares.permuted(0, 2, 1)).reshaped(x[0], x[1], s[1], 1)
}

/// Attention from pixels to object regions: each pixel takes the regions' values by its similarity to their keys.
///
/// context_p = ρ(Σ_k softmax_k(φ(x_p) · ψ(o_k) / √d) · δ(o_k)), φ and ψ of two 1×1 convolutions and δ and ρ of one,
/// each with norm and ReLU. Yuan et al. 2020, equations 3 and 4. Parameter names are the published
/// `object_context_block`'s.
public final class ObjectAttention: Module {
  private let query, key, value, output: Sequential
  private let keyChannels: Int

  /// A block with zero weights.
  ///
  /// - Parameters:
  ///   - channels: C of pixels, regions and the context.
  ///   - keyChannels: d.
  public init(channels: Int, keyChannels: Int) {
    self.keyChannels = keyChannels
    func units(_ widths: Int...) -> Sequential {
      Sequential(
        zip(widths, widths.dropFirst()).enumerated().flatMap { index, pair -> [(String, any UnaryModule)] in
          [
            ("\(2 * index)", Conv2d(inputChannels: pair.0, outputChannels: pair.1, kernel: 1, bias: false)),
            ("\(2 * index + 1).0", BatchNorm2d(channels: pair.1)), ("\(2 * index + 1).1", ReLU()),
          ]
        })
    }
    query = units(channels, keyChannels, keyChannels)
    key = units(channels, keyChannels, keyChannels)
    value = units(channels, keyChannels)
    output = units(keyChannels, channels)
  }

  public var parts: [Part] {
    [Part("f_pixel", query), Part("f_object", key), Part("f_down", value), Part("f_up", output)]
  }

  /// The context of each pixel, N×C×H×W.
  ///
  /// - Parameters:
  ///   - features: N×C×H×W.
  ///   - regions: N×C×K×1, as ``objectRegions(of:scores:)`` makes them.
  public func callAsFunction(_ features: Tensor, regions: Tensor) -> Tensor {
    let x = features.shape, count = regions.shape[2] * regions.shape[3]
    let queries = query(features).reshaped(x[0], keyChannels, x[2] * x[3]).permuted(0, 2, 1)
    let keys = key(regions).reshaped(x[0], keyChannels, count)
    let values = value(regions).reshaped(x[0], keyChannels, count)
    let attention = softmax(matmul(queries, keys) * (1 / Float(keyChannels).squareRoot()), axis: 2)
    let context = matmul(values, attention.permuted(0, 2, 1)).reshaped(x[0], keyChannels, x[2], x[3])
    return output(context)
  }
}

/// Regions, attention to them, and the joining of context and pixels: the step that turns features into
/// object-contextual ones.
///
/// y = dropout(g([context, x])), g a 1×1 convolution with norm and ReLU; the context comes first. Parameter names are
/// the published `ocr_distri_head`'s.
public final class ObjectContext: Module {
  private let attention: ObjectAttention
  private let joining: Sequential
  private let dropout: Dropout?

  /// A block with zero weights.
  ///
  /// - Parameters:
  ///   - channels: those of the pixels and of the objects.
  ///   - keyChannels: those in which pixels and objects are compared.
  ///   - outputChannels: those of the result.
  ///   - rate: the rate of dropout, of whole elements, in training; 0 for none.
  public init(channels: Int, keyChannels: Int, outputChannels: Int, dropout rate: Float = 0.05) {
    attention = ObjectAttention(channels: channels, keyChannels: keyChannels)
    joining = Sequential([
      ("0", Conv2d(inputChannels: 2 * channels, outputChannels: outputChannels, kernel: 1, bias: false)),
      ("1.0", BatchNorm2d(channels: outputChannels)), ("1.1", ReLU()),
    ])
    dropout = rate > 0 ? Dropout(rate: rate) : nil
  }

  public var parts: [Part] {
    [Part("object_context_block", attention), Part("conv_bn_dropout", joining), Part("dropout", dropout)]
  }

  /// N×outputChannels×H×W from features N×C×H×W and region logits N×K×H×W.
  public func callAsFunction(_ features: Tensor, scores: Tensor) -> Tensor {
    let context = attention(features, regions: objectRegions(of: features, scores: scores))
    let y = joining(concatenate([context, features], axis: 1))
    return dropout?(y) ?? y
  }
}
