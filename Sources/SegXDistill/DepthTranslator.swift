import SegKernels

/// Tells groups of classes from a depth map alone: two 3×3 convolutions with norm and ReLU, and a 1×1.
///
/// Small, so that what it cannot tell is left for the depth to show; and with the edge repeated around the map, since
/// zeros would tell it where it is. Trained along, and never used afterwards. Cai et al., "X-Distill", 2021 (arXiv
/// 2110.12516), section 3; widths are ours.
public final class DepthTranslator: UnaryModule {
  private let convolutions: [Conv2d], norms: [BatchNorm2d]
  private let classifier: Conv2d

  /// A network of two 3×3 convolutions.
  ///
  /// - Parameters:
  ///   - groups: how many groups it tells apart.
  ///   - width: the channels between.
  ///   - seed: draws the weights (He's rule, fan out).
  public init(groups: Int, width: Int = 32, seed: UInt64) {
    convolutions = [1, width].map {
      Conv2d(inputChannels: $0, outputChannels: width, kernel: 3, padding: 0, bias: false)
    }
    norms = [width, width].map { BatchNorm2d(channels: $0) }
    classifier = Conv2d(inputChannels: width, outputChannels: groups, kernel: 1, bias: true)
    initialize(.kaimingFanOut, seed: seed)
  }

  public var parts: [Part] { [Part("conv", convolutions), Part("bn", norms), Part("classifier", classifier)] }

  /// Logits N×groups×H×W of disparities N×1×H×W, which are first divided by their image's mean.
  public func callAsFunction(_ disparity: Tensor) -> Tensor {
    let relative = disparity / (disparity.mean(axes: [2, 3], keepDimensions: true) + 1e-7)
    return classifier(
      zip(convolutions, norms).reduce(relative) { y, layer in
        let padded = y.padded(top: 1, bottom: 1, left: 1, right: 1, with: .replicate)
        return layer.1(layer.0(padded), rectified: true)
      })
  }
}
