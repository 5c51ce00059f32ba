/// The InverseForm loss of a predicted and a true boundary map: the mean over tiles of how far the transform between
/// them, as a frozen inverse network sees it, is from none.
///
/// The prediction enters as the sigmoid of its logits. The released code enters its log-softmax over one channel, which
/// is 0 everywhere, and its first version a comparison; neither has a gradient.
public struct InverseFormLoss {
  /// The frozen network.
  public let network: any InverseNetwork
  /// How far a transform is from none.
  public var distance: TransformDistance
  /// The tiles; nil for three rows of them and as many columns as the aspect ratio asks for.
  public var layout: TileLayout?

  /// A loss by a network, whose parameters are frozen.
  public init(_ network: any InverseNetwork, distance: TransformDistance = .euclidean, layout: TileLayout? = nil) {
    self.network = network
    self.distance = distance
    self.layout = layout
    network.setTraining(false)
    for parameter in network.parameters { parameter.isFrozen = true }
  }

  /// The loss, a scalar.
  ///
  /// - Parameters:
  ///   - logits: N×1×H×W.
  ///   - target: of the same shape, zeros and ones.
  ///   - counted: 1 where a pixel counts and 0 where it is ignored, of the same shape; both maps are 0 there.
  public func callAsFunction(logits: Tensor, target: Tensor, counted: Tensor? = nil) -> Tensor {
    check(
      logits.shape == target.shape, "InverseFormLoss",
      "logits \(logits.shape) and target \(target.shape) differ in shape")
    return distance(coefficients(sigmoid(logits), target, counted), network.transform).mean()
  }

  /// What the network sees in each tile of two maps, tiles×k.
  public func coefficients(_ prediction: Tensor, _ target: Tensor, _ counted: Tensor? = nil) -> Tensor {
    let layout = layout ?? TileLayout(height: prediction.shape[2], width: prediction.shape[3])
    func tiles(_ map: Tensor) -> Tensor {
      layout.tiles(of: counted.map { map * $0 } ?? map, side: network.side)
    }
    return network(tiles(prediction), tiles(target))
  }
}
