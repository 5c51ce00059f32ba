import SegKernels

/// MaskFormer's pixel decoder: a feature pyramid, coarse maps enlarged and added to finer ones.
///
/// y ← unit3×3(coarsest); for each finer map, y ← unit3×3(norm(conv1×1(map)) + enlarged y), a unit being convolution,
/// norm and ReLU. Lin et al., "Feature Pyramid Networks", 2017, as in MaskFormer's release, whose norms are of groups.
final class PixelDecoder: Module {
  private let units: [Sequential], laterals: [Sequential]

  init(inputChannels: [Int], width: Int) {
    func layers(_ input: Int, kernel: Int) -> (Conv2d, BatchNorm2d) {
      (
        Conv2d(inputChannels: input, outputChannels: width, kernel: Pair(kernel), bias: false),
        BatchNorm2d(channels: width)
      )
    }
    let channels = Array(inputChannels.reversed())
    units = channels.indices.map { index in
      let (convolution, norm) = layers(index == 0 ? channels[0] : width, kernel: 3)
      return Sequential(convolution, norm, ReLU())
    }
    laterals = channels.dropFirst().map { input in
      let (convolution, norm) = layers(input, kernel: 1)
      return Sequential(convolution, norm)
    }
  }

  var parts: [Part] { [Part("layer", units), Part("adapter", laterals)] }

  /// N×C×h×w of the finest map's size.
  func callAsFunction(_ maps: [Tensor]) -> Tensor {
    var y = units[0](maps.last!)
    for (index, map) in maps.dropLast().reversed().enumerated() {
      let size = Pair(height: map.shape[2], width: map.shape[3])
      y = units[index + 1](laterals[index](map) + resize(y, to: size))
    }
    return y
  }
}
