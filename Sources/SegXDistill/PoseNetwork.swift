import SegKernels

/// A network that tells how the camera moved between two images: a residual encoder of six channels, then convolutions
/// and a mean over the image.
///
/// Parameter names are those of the released `pose_encoder.pth` (without `encoder.fc`) and `pose.pth` together. Godard
/// et al. 2019, section 5.
public final class PoseNetwork: Module {
  private let encoder: ResNet
  private let layers: [Conv2d]

  /// A network on an encoder of two images.
  ///
  /// - Parameters:
  ///   - configuration: of the encoder, with six channels.
  ///   - seed: draws the weights; nil leaves them zero, for loading.
  public init(_ configuration: ResNetConfiguration, seed: UInt64?) {
    check(configuration.inputChannels == 6, "PoseNetwork", "expected 6 channels, found \(configuration.inputChannels)")
    encoder = ResNet(configuration)
    layers = [
      Conv2d(inputChannels: encoder.outputChannels[3], outputChannels: 256, kernel: 1, bias: true),
      Conv2d(inputChannels: 256, outputChannels: 256, kernel: 3, bias: true),
      Conv2d(inputChannels: 256, outputChannels: 256, kernel: 3, bias: true),
      Conv2d(inputChannels: 256, outputChannels: 12, kernel: 1, bias: true),
    ]
    guard let seed else { return }
    initialize(.kaimingFanOut, seed: seed)
    // Cameras hardly move at first: what He's rule draws for twelve channels would throw the picture out of view.
    layers[3].weight.value = layers[3].weight.value * 0.01
  }

  public var parts: [Part] { [Part("encoder", encoder), Part("net", layers)] }

  /// Two motions of each pair, of which training uses the first: axis-angle vectors in radians and translations, both
  /// N×2×3.
  public func poses(_ first: Tensor, _ second: Tensor) -> (axisAngle: Tensor, translation: Tensor) {
    let pair = concatenate([first, second], axis: 1)
    let features = encoder((pair - 0.45) / 0.225).last!
    let y = layers[3](relu(layers[2](relu(layers[1](relu(layers[0](features)))))))
    let numbers = y.mean(axes: [2, 3]).reshaped(y.shape[0], 2, 6) * 0.01
    return (numbers.slice(axis: 2, 0..<3), numbers.slice(axis: 2, 3..<6))
  }

  /// The motion from the first image's camera to the second's, in the network's own unit of length.
  ///
  /// - Parameters:
  ///   - first: N×3×H×W.
  ///   - second: N×3×H×W.
  ///   - isForward: whether the second was taken later. As released, the network always sees the earlier image first,
  ///     and a motion back is the inverse of what it says.
  public func motion(from first: Tensor, to second: Tensor, isForward: Bool) -> RigidMotion {
    let (axisAngle, translation) = isForward ? poses(first, second) : poses(second, first)
    let count = first.shape[0]
    let motion = RigidMotion(
      axisAngle: axisAngle.slice(axis: 1, 0..<1).reshaped(count, 3),
      translation: translation.slice(axis: 1, 0..<1).reshaped(count, 3))
    return isForward ? motion : motion.inverse
  }
}
