import SegKernels

/// The released network: both tiles row by row in one vector, the prediction first, then three linear layers.
///
/// 2 · side² → 1000 → 32 → outputs, ReLU between; keys `fc.0`, `fc.2`, `fc.4`. On tiles of 224 with four outputs it has
/// 100,385,164 parameters, and comes from the file `distance_measures_regressor.pth`; a small one on tiles of 112 with
/// two outputs, never used, is in the released code. For equal tiles its answer is not zero but a noise floor.
public final class ReleasedInverseNetwork: InverseNetwork {
  public let side: Int
  public let transform = BoundaryTransform.shiftScale
  private let layers: Sequential

  /// A network with zero weights, for loading.
  ///
  /// - Parameters:
  ///   - side: 224 as released, or 112.
  ///   - outputs: how many numbers it estimates.
  public init(side: Int = 224, outputs: Int = 4) {
    self.side = side
    let inputs = 2 * side * side
    layers = Sequential(
      Linear(inputFeatures: inputs, outputFeatures: 1000), ReLU(), Linear(inputFeatures: 1000, outputFeatures: 32),
      ReLU(), Linear(inputFeatures: 32, outputFeatures: outputs))
  }

  public var parts: [Part] { [Part("fc", layers)] }

  public func callAsFunction(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    checkTiles(prediction, target)
    let shape: Shape = [prediction.shape[0], side * side]
    return layers(concatenate([prediction.reshaped(shape), target.reshaped(shape)], axis: 1))
  }
}
