/// A segmentation network whose logits are a function of one map of features: what further heads, for boundaries or
/// depth, attach to without being part of it.
public protocol FeatureSegmenter: UnaryModule {
  /// The channels of the features.
  var featureChannels: Int { get }

  /// The features of images N×C×H×W.
  func features(of x: Tensor) -> Tensor

  /// Logits N×classes×h×w of features.
  func logits(of features: Tensor) -> Tensor
}

extension FeatureSegmenter {
  /// Logits of images.
  public func callAsFunction(_ x: Tensor) -> Tensor { logits(of: features(of: x)) }
}
