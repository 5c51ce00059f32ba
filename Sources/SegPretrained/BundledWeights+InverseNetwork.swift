import CSegPretrained

extension BundledWeights {
  /// InverseForm's inverse network, pre-trained by this package on boundaries of StreetScenes: what its loss needs, and
  /// no model for `predict`.
  public static let inverseNetwork = BundledWeights(
    name: "inverse-network", weights: { staticBytes { sk_inverse_network_weights($0) } },
    card: { staticBytes { sk_inverse_network_card($0) } })
}
