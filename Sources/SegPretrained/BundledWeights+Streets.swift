import CSegPretrained

extension BundledWeights {
  /// A half-width FFNet-22S for Cityscapes' 19 classes, trained by this package on StreetScenes alone: free to use.
  public static let streets = BundledWeights(
    name: "streets", weights: { staticBytes { sk_streets_weights($0) } }, card: { staticBytes { sk_streets_card($0) } })
}
