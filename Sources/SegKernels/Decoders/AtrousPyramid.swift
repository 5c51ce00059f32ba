/// Atrous spatial pyramid pooling: the image's mean, a 1×1 and three dilated 3×3 convolutions side by side.
///
/// Parameter names `conv1` … `conv5` are those of IFA's released code. Chen et al. 2017 (arXiv 1706.05587).
public final class AtrousPyramid: UnaryModule {
  private let mean: Sequential
  private let branches: [Sequential]
  /// The channels of the result: five times the inner width.
  public let outputChannels: Int

  /// A pyramid with zero weights.
  public init(inputChannels: Int, width: Int = 256, dilations: [Int] = [12, 24, 36]) {
    func unit(_ kernel: Int, _ dilation: Int, from first: Int) -> Sequential {
      Sequential([
        (
          "\(first)",
          Conv2d(
            inputChannels: inputChannels, outputChannels: width, kernel: Pair(kernel), dilation: Pair(dilation),
            bias: false)
        ), ("\(first + 1)", BatchNorm2d(channels: width)), ("\(first + 2)", ReLU()),
      ])
    }
    // The pooling is layer 0 of the published branch.
    mean = unit(1, 1, from: 1)
    branches = [unit(1, 1, from: 0)] + dilations.map { unit(3, $0, from: 0) }
    outputChannels = (dilations.count + 2) * width
  }

  public var parts: [Part] {
    [Part("conv1", mean)] + branches.enumerated().map { Part("conv\($0 + 2)", $1) }
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let size = Pair(height: x.shape[2], width: x.shape[3])
    let mean = resize(mean(adaptiveAveragePool2d(x, outputSize: 1)), to: size)
    return concatenate([mean] + branches.map { $0(x) }, axis: 1)
  }
}
