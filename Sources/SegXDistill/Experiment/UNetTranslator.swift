import SegKernels

/// The experiment's over-strong translator: a U-Net of three sizes over a depth map, which sees far enough to learn the
/// groups by itself, so that less of their cross entropy has to be earned by the depth.
final class UNetTranslator: UnaryModule {
  /// Down at 1, 1/2 and 1/4 of the size, then up at 1/2 and 1.
  private let convolutions: [Conv2d], norms: [BatchNorm2d]
  private let classifier: Conv2d

  init(groups: Int, width: Int, seed: UInt64) {
    let channels = [(1, width), (width, 2 * width), (2 * width, 4 * width), (6 * width, 2 * width), (3 * width, width)]
    convolutions = channels.map {
      Conv2d(inputChannels: $0.0, outputChannels: $0.1, kernel: 3, padding: 0, bias: false)
    }
    norms = channels.map { BatchNorm2d(channels: $0.1) }
    classifier = Conv2d(inputChannels: width, outputChannels: groups, kernel: 1, bias: true)
    initialize(.kaimingFanOut, seed: seed)
  }

  var parts: [Part] { [Part("conv", convolutions), Part("bn", norms), Part("classifier", classifier)] }

  /// Logits N×groups×H×W of disparities N×1×H×W whose sides are multiples of 4.
  func callAsFunction(_ disparity: Tensor) -> Tensor {
    func layer(_ index: Int, _ x: Tensor) -> Tensor {
      let padded = x.padded(top: 1, bottom: 1, left: 1, right: 1, with: .replicate)
      return norms[index](convolutions[index](padded), rectified: true)
    }
    func enlarged(_ x: Tensor) -> Tensor {
      resize(x, to: Pair(height: 2 * x.shape[2], width: 2 * x.shape[3]), .nearest)
    }
    let whole = layer(0, disparity / (disparity.mean(axes: [2, 3], keepDimensions: true) + 1e-7))
    let half = layer(1, averagePool2d(whole, kernel: 2))
    let quarter = layer(2, averagePool2d(half, kernel: 2))
    let back = layer(3, concatenate([enlarged(quarter), half], axis: 1))
    return classifier(layer(4, concatenate([enlarged(back), whole], axis: 1)))
  }
}
