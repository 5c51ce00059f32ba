import SegFFNet
import SegKernels

/// The rival of FPN-IFA in experiments: the same levels, enlarged bilinearly to the finest one's size and added, then
/// 3×3, norm, ReLU and 1×1 to the classes, as in semantic FPN (Kirillov et al. 2019, arXiv 1901.02446) without its
/// upsampling stages.
///
/// With 48 hidden channels its decoder takes about as many operations as half-width FPN-IFA's, whose first layer is
/// factorised.
final class ConvolutionPyramid: UnaryModule {
  private let encoder: FFNetBackbone
  private let laterals: [Sequential]
  private let head: Sequential

  /// - Parameter seed: draws the weights (He's rule, fan out).
  init(_ configuration: FFNetConfiguration, width: Int = 64, hidden: Int = 48, classes: Int, seed: UInt64) {
    encoder = FFNetBackbone(configuration)
    laterals = encoder.outputChannels.map {
      Sequential(
        Conv2d(inputChannels: $0, outputChannels: width, kernel: 1, bias: true), BatchNorm2d(channels: width), ReLU())
    }
    head = Sequential(
      Conv2d(inputChannels: width, outputChannels: hidden, kernel: 3, bias: true), BatchNorm2d(channels: hidden),
      ReLU(), Conv2d(inputChannels: hidden, outputChannels: classes, kernel: 1, bias: true))
    initialize(.kaimingFanOut, seed: seed)
  }

  var parts: [Part] { [Part("encoder", encoder), Part("decoder.enc", laterals), Part("decoder.head", head)] }

  /// Logits at the finest level's size.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let levels = zip(laterals, encoder(x)).map { $0($1) }
    let finest = Pair(height: levels[0].shape[2], width: levels[0].shape[3])
    return head(levels.dropFirst().reduce(levels[0]) { $0 + resize($1, to: finest) })
  }
}
