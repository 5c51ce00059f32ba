/// A network that estimates the transform between two boundary tiles: the judge of an ``InverseFormLoss``.
public protocol InverseNetwork: Module {
  /// Rows and columns of a tile.
  var side: Int { get }
  /// What is estimated.
  var transform: BoundaryTransform { get }

  /// Coefficients N×k, zero for no transform, of tiles N×1×side×side.
  func callAsFunction(_ prediction: Tensor, _ target: Tensor) -> Tensor
}

extension InverseNetwork {
  /// Traps unless the tiles are of the network's size.
  package func checkTiles(_ prediction: Tensor, _ target: Tensor) {
    check(
      prediction.shape == target.shape && prediction.shape == [prediction.shape[0], 1, side, side], "InverseNetwork",
      "expected two tensors N×1×\(side)×\(side), found \(prediction.shape) and \(target.shape)")
  }
}
