/// The two residual blocks of He et al. 2016.
public enum ResidualBlockKind: String, Sendable, Hashable, Codable {
  /// Two 3×3 convolutions.
  case basic
  /// 1×1 to the width, 3×3, 1×1 to four times the width; the stride is on the 3×3 (ResNet "v1.5").
  case bottleneck

  /// Output channels over the stage's width.
  public var expansion: Int { self == .basic ? 1 : 4 }
}

/// relu(convolutions(x) + shortcut(x)).
///
/// The shortcut is a strided 1×1 convolution with norm where channels or size change, else the identity.
final class ResidualBlock: UnaryModule {
  private let convolutions: [(Conv2d, BatchNorm2d)]
  private let downsample: Sequential?

  init(_ kind: ResidualBlockKind, inputChannels: Int, width: Int, stride: Int, dilation: Int) {
    func unit(_ input: Int, _ output: Int, kernel: Int, stride: Int = 1, dilation: Int = 1) -> (Conv2d, BatchNorm2d) {
      let conv = Conv2d(
        inputChannels: input, outputChannels: output, kernel: Pair(kernel), stride: Pair(stride),
        dilation: Pair(dilation), bias: false)
      return (conv, BatchNorm2d(channels: output))
    }
    let outputChannels = width * kind.expansion
    switch kind {
    case .basic:
      convolutions = [
        unit(inputChannels, width, kernel: 3, stride: stride, dilation: dilation),
        unit(width, width, kernel: 3, dilation: dilation),
      ]
    case .bottleneck:
      convolutions = [
        unit(inputChannels, width, kernel: 1), unit(width, width, kernel: 3, stride: stride, dilation: dilation),
        unit(width, outputChannels, kernel: 1),
      ]
    }
    let needsShortcut = stride != 1 || inputChannels != outputChannels
    let shortcut = unit(inputChannels, outputChannels, kernel: 1, stride: stride)
    downsample = needsShortcut ? Sequential(shortcut.0, shortcut.1) : nil
  }

  var parts: [Part] {
    convolutions.enumerated().flatMap { index, unit in
      [Part("conv\(index + 1)", unit.0), Part("bn\(index + 1)", unit.1)]
    } + [Part("downsample", downsample)]
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let (last, lastNorm) = convolutions.last!
    let y = convolutions.dropLast().reduce(x) { y, unit in unit.1(unit.0(y), rectified: true) }
    return lastNorm(last(y), adding: downsample?(x) ?? x, rectified: true)
  }
}
