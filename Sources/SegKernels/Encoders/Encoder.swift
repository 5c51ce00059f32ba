/// A network that turns an image into feature maps at several scales: the contract between encoders and decoders.
public protocol Encoder: Module {
  /// The channels of each map, finest first.
  var outputChannels: [Int] { get }

  /// The feature maps of images N×3×H×W, finest first.
  func callAsFunction(_ x: Tensor) -> [Tensor]
}
