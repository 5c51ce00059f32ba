import SegKernels

/// A network that estimates the transform between two boundary tiles.
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
  func checkTiles(_ prediction: Tensor, _ target: Tensor) {
    check(
      prediction.shape == target.shape && prediction.shape == [prediction.shape[0], 1, side, side], "InverseNetwork",
      "expected two tensors N×1×\(side)×\(side), found \(prediction.shape) and \(target.shape)")
  }
}

/// The released network: both tiles row by row in one vector, the prediction first, then three linear layers.
///
/// 2 · side² → 1000 → 32 → outputs, ReLU between; keys `fc.0`, `fc.2`, `fc.4`. On tiles of 224 with four outputs it has
/// 100,385,164 parameters, and comes from the file `distance_measures_regressor.pth`; a small one on tiles of 112 with
/// two outputs, never used, is in the released code. For equal tiles its answer is not zero but a noise floor.
public final class ReleasedInverseNetwork: InverseNetwork {
  public let side: Int
  public let transform = BoundaryTransform.shiftScale
  private let layers: Sequential

  /// - Parameter side: 224 as released, or 112.
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

/// The package's own network: small, convolutional, and exactly antisymmetric.
///
/// T(a, b) = f(a, b) − f(b, a), with f five 3×3 convolutions of stride 2 (2 → 16 → 32 → 64 → 96 → 128 channels, each
/// with norm and ReLU), then linear layers to 64 and to the coefficients. Equal maps give exactly 0, and maps that
/// change places the opposite, which is the inverse transform. Both orders pass in one batch, so that this holds in
/// training too.
public final class AntisymmetricInverseNetwork: InverseNetwork {
  public let side = 112
  public let transform: BoundaryTransform
  private let layers: Sequential
  private let linear: Sequential

  /// - Parameter seed: draws the weights; nil leaves them zero, for loading.
  public init(_ transform: BoundaryTransform = .shiftScaleRotation, seed: UInt64?) {
    self.transform = transform
    let widths = [2, 16, 32, 64, 96, 128]
    layers = Sequential(
      zip(widths, widths.dropFirst()).enumerated().flatMap { index, pair -> [(String, any UnaryModule)] in
        [
          ("\(index).0", Conv2d(inputChannels: pair.0, outputChannels: pair.1, kernel: 3, stride: 2, bias: false)),
          ("\(index).1", BatchNorm2d(channels: pair.1)), ("\(index).2", ReLU()),
        ]
      })
    linear = Sequential(
      Linear(inputFeatures: 128 * 4 * 4, outputFeatures: 64), ReLU(),
      Linear(inputFeatures: 64, outputFeatures: transform.count))
    if let seed { initialize(.kaimingFanOut, seed: seed) }
  }

  public var parts: [Part] { [Part("conv", layers), Part("fc", linear)] }

  public func callAsFunction(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    checkTiles(prediction, target)
    let count = prediction.shape[0]
    let pairs = concatenate(
      [concatenate([prediction, target], axis: 1), concatenate([target, prediction], axis: 1)], axis: 0)
    let features = layers(pairs).reshaped(2 * count, -1)
    // The same product twice: how a matrix product rounds a row depends on where among the rows it stands.
    return linear(features.slice(axis: 0, 0..<count)) - linear(features.slice(axis: 0, count..<(2 * count)))
  }
}
