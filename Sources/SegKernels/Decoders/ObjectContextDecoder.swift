/// The decoder of OCRNet: a first guess of the classes makes the regions, and their context the final one.
///
/// Parameter names are the published ones (`conv3x3_ocr`, `ocr_distri_head`, `cls_head`, `aux_head`). Yuan, Chen and
/// Wang, "Object-Contextual Representations for Semantic Segmentation", 2020.
public final class ObjectContextDecoder: Module {
  private let narrowing: Sequential
  private let context: ObjectContext
  private let classifier: Conv2d
  private let auxiliary: Sequential
  /// The channels of the object-contextual features.
  public let featureChannels: Int

  /// A decoder with zero weights.
  ///
  /// - Parameters:
  ///   - inputChannels: the channels of the encoder's joined maps.
  ///   - classes: how many classes it tells apart.
  ///   - channels: those of the object-contextual features.
  ///   - keyChannels: those in which pixels and objects are compared.
  public init(inputChannels: Int, classes: Int, channels: Int = 512, keyChannels: Int = 256) {
    featureChannels = channels
    narrowing = Sequential([
      ("0", Conv2d(inputChannels: inputChannels, outputChannels: channels, kernel: 3, bias: true)),
      ("1.0", BatchNorm2d(channels: channels)), ("1.1", ReLU()),
    ])
    context = ObjectContext(channels: channels, keyChannels: keyChannels, outputChannels: channels)
    classifier = Conv2d(inputChannels: channels, outputChannels: classes, kernel: 1, bias: true)
    auxiliary = pixelHead(inputChannels: inputChannels, hidden: inputChannels, outputs: classes, isNormNested: true)
  }

  public var parts: [Part] {
    [
      Part("conv3x3_ocr", narrowing), Part("ocr_distri_head", context), Part("cls_head", classifier),
      Part("aux_head", auxiliary),
    ]
  }

  /// Object-contextual features, and the logits of the first guess.
  public func features(of x: Tensor) -> (features: Tensor, auxiliary: Tensor) {
    let guess = auxiliary(x)
    return (context(narrowing(x), scores: guess), guess)
  }

  /// Logits of object-contextual features.
  public func logits(of features: Tensor) -> Tensor { classifier(features) }
}
