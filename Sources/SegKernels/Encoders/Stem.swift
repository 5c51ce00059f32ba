/// The first layers of a residual network, from the image to a map at a quarter of its size.
public enum StemKind: Sendable, Hashable {
  /// 7×7 stride 2 to 64 channels, norm, ReLU, 3×3 max pool stride 2: ResNet's own, FFNet's type A.
  case standard
  /// 3×3 stride 2 to `width`, then 3×3 stride 2 to twice the width, each with norm and ReLU: FFNet's type B (width 32).
  case twoConvolutions(width: Int)
  /// 3×3 stride 2 to 64, 3×3 stride 2, 3×3, each with norm and ReLU: FFNet's type C.
  case threeConvolutions
  /// 3×3 stride 2 to `width`, 3×3, 3×3 to twice the width, then a 3×3 max pool stride 2 that rounds up: the "deep
  /// stem" of PSPNet and IFA (width 64), and with width 32 of ResNet-D.
  case deep(width: Int, ceilMode: Bool)

  /// The channels that the stem makes.
  public var outputChannels: Int {
    switch self {
    case .standard, .threeConvolutions: 64
    case .twoConvolutions(let width), .deep(let width, _): 2 * width
    }
  }
}

/// The layers of a stem; a network lists its parts among its own, as published models do.
final class Stem {
  private let layers: [Part]
  /// Convolutions, and the pooling behind them where there is one.
  private let function: (Tensor) -> Tensor, pool: ((Tensor) -> Tensor)?

  init(_ kind: StemKind, inputChannels: Int) {
    func conv(_ input: Int, _ output: Int, kernel: Int = 3, stride: Int) -> Conv2d {
      Conv2d(inputChannels: input, outputChannels: output, kernel: Pair(kernel), stride: Pair(stride), bias: false)
    }
    /// Convolutions numbered from `first`, each followed by norm and ReLU.
    func chain(from first: Int, _ convolutions: [Conv2d]) -> ([Part], (Tensor) -> Tensor) {
      let units = convolutions.map { ($0, BatchNorm2d(channels: $0.weight.shape[0])) }
      let parts = units.enumerated().flatMap { index, unit in
        [Part("conv\(first + index)", unit.0), Part("bn\(first + index)", unit.1)]
      }
      return (parts, { x in units.reduce(x) { $1.1($1.0($0), rectified: true) } })
    }
    switch kind {
    case .standard:
      let (parts, conv) = chain(from: 1, [conv(inputChannels, 64, kernel: 7, stride: 2)])
      layers = parts
      function = conv
      pool = { maxPool2d($0, kernel: 3, stride: 2, padding: 1) }
    case .twoConvolutions(let width):
      (layers, function) = chain(
        from: 0, [conv(inputChannels, width, stride: 2), conv(width, 2 * width, stride: 2)])
      pool = nil
    case .threeConvolutions:
      (layers, function) = chain(
        from: 0, [conv(inputChannels, 64, stride: 2), conv(64, 64, stride: 2), conv(64, 64, stride: 1)])
      pool = nil
    case .deep(let width, let ceilMode):
      let conv1 = Sequential([
        ("0", conv(inputChannels, width, stride: 2)), ("1", BatchNorm2d(channels: width)), ("2", ReLU()),
        ("3", conv(width, width, stride: 1)), ("4", BatchNorm2d(channels: width)), ("5", ReLU()),
        ("6", conv(width, 2 * width, stride: 1)),
      ])
      let bn1 = BatchNorm2d(channels: 2 * width)
      layers = [Part("conv1", conv1), Part("bn1", bn1)]
      function = { bn1(conv1($0), rectified: true) }
      pool = { maxPool2d($0, kernel: 3, stride: 2, padding: 1, ceilMode: ceilMode) }
    }
  }

  var parts: [Part] { layers }

  func callAsFunction(_ x: Tensor) -> Tensor { steps(x).pooled }

  /// The convolutions' map, and what the stages get: the same where nothing is pooled.
  func steps(_ x: Tensor) -> (convolved: Tensor, pooled: Tensor) {
    let convolved = function(x)
    return (convolved, pool?(convolved) ?? convolved)
  }
}
