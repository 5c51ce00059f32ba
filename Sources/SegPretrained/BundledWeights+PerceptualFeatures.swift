import CSegPretrained

extension BundledWeights {
  /// ResNet-18 up to its second stage, taught by this package to segment StreetScenes: what perceptual consistency looks
  /// at frames with, and no model for `predict`.
  public static let perceptualFeatures = BundledWeights(
    name: "perceptual-features", weights: { staticBytes { sk_perceptual_features_weights($0) } },
    card: { staticBytes { sk_perceptual_features_card($0) } })
}
