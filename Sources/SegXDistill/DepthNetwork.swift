import SegKernels

/// A network that tells depth from one image: a residual encoder, and a decoder that climbs from 1/32 to the image's
/// own size and gives a sigmoid disparity at each of the last four.
///
/// Images are colours of 0…1; what the network does to them, (x − 0.45) / 0.225, is part of it, as released. Parameter
/// names are those of the released `encoder.pth` (without the `encoder.fc` that nothing uses) and `depth.pth` together.
/// Godard et al., "Digging into Self-Supervised Monocular Depth Prediction", 2019 (arXiv 1806.01260).
public final class DepthNetwork: UnaryModule {
  /// What the network is made of.
  public let configuration: DepthConfiguration
  private let encoder: ResNet
  /// Two an enlargement, deepest first.
  private let climbs: [MirroredConvolution]
  /// One a scale, finest first.
  private let heads: [MirroredConvolution]

  /// A network of a configuration.
  ///
  /// - Parameters:
  ///   - configuration: what the network is made of.
  ///   - seed: draws the weights (He's rule, fan out); nil leaves them zero, for loading.
  public init(_ configuration: DepthConfiguration, seed: UInt64?) {
    self.configuration = configuration
    encoder = ResNet(configuration.encoder)
    let skips = [configuration.encoder.stem.outputChannels] + encoder.outputChannels
    let widths = configuration.decoderChannels
    var climbs: [MirroredConvolution] = []
    for level in (0..<5).reversed() {
      let below = level == 4 ? skips[4] : widths[level + 1], skip = level > 0 ? skips[level - 1] : 0
      climbs.append(MirroredConvolution(below, widths[level], name: "conv.conv"))
      climbs.append(MirroredConvolution(widths[level] + skip, widths[level], name: "conv.conv"))
    }
    self.climbs = climbs
    heads = (0..<4).map { MirroredConvolution(widths[$0], 1, name: "conv") }
    if let seed { initialize(.kaimingFanOut, seed: seed) }
  }

  public var parts: [Part] { [Part("encoder", encoder), Part("decoder", climbs + heads)] }

  /// Makes a network that is fresh from its seed tell about this depth everywhere, in metres: the heads' weights become
  /// small, and their biases say it.
  ///
  /// Drawn by He's rule, heads saturate their sigmoids. And a sigmoid's middle, 20 cm, is nothing to learn from where
  /// motions are metres: every warped pixel comes from outside the picture, and the disparity runs into its bound.
  public func start(at depth: Float) {
    let (near, far) = (1 / configuration.nearest, 1 / configuration.farthest)
    let disparity = (1 / depth - far) / (near - far)
    check(disparity > 0 && disparity < 1, "DepthNetwork", "expected a depth within the network's range, found \(depth)")
    let logit = Tensor([1], [disparity / (1 - disparity)]).log()
    for head in heads { head.start(at: logit) }
  }

  /// Disparities N×1×H×W of images N×3×H×W whose sides are multiples of 32.
  public func callAsFunction(_ x: Tensor) -> Tensor { disparities(x, scales: 1)[0] }

  /// Disparities at 1, 1/2, 1/4 and 1/8 of the images' size, finest first.
  public func disparities(_ x: Tensor, scales: Int = 4) -> [Tensor] {
    check(
      x.rank == 4 && x.shape[2] % 32 == 0 && x.shape[3] % 32 == 0, "DepthNetwork",
      "expected N×3×H×W with sides that are multiples of 32, found \(x.shape)")
    let maps = encoder.pyramid(of: (x - 0.45) / 0.225)
    var y = maps[4], outputs: [Tensor] = []
    for level in (0..<5).reversed() {
      y = elu(climbs[2 * (4 - level)](y))
      y = resize(y, to: Pair(height: 2 * y.shape[2], width: 2 * y.shape[3]), .nearest)
      if level > 0 { y = concatenate([y, maps[level - 1]], axis: 1) }
      y = elu(climbs[2 * (4 - level) + 1](y))
      if level < scales { outputs.insert(sigmoid(heads[level](y)), at: 0) }
    }
    return outputs
  }
}

/// x where it is above 0, else eˣ − 1.
private func elu(_ x: Tensor) -> Tensor { relu(x) + (x.clamped(to: -100...0).exp() - 1) }

/// A 3×3 convolution that sees the image mirrored at its edge, under a name that published layers wrap it in.
private final class MirroredConvolution: UnaryModule {
  private let convolution: Conv2d
  private let name: String

  init(_ input: Int, _ output: Int, name: String) {
    convolution = Conv2d(inputChannels: input, outputChannels: output, kernel: 3, padding: 0, bias: true)
    self.name = name
  }

  var parts: [Part] { [Part(name, convolution)] }

  /// Makes the output little more than `bias`, one number a channel.
  func start(at bias: Tensor) {
    convolution.weight.value = convolution.weight.value * 0.01
    convolution.bias!.value = bias
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    convolution(x.padded(top: 1, bottom: 1, left: 1, right: 1, with: .reflect))
  }
}
