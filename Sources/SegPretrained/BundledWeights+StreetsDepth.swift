import CSegPretrained

extension BundledWeights {
  /// A half-width `monodepth2_resnet18` that tells depth in metres, trained by this package on StreetScenes alone: free
  /// to use.
  public static let streetsDepth = BundledWeights(
    name: "streets-depth", weights: { staticBytes { sk_streets_depth_weights($0) } },
    card: { staticBytes { sk_streets_depth_card($0) } })
}
