/// How the weights of a network start.
public enum Initialization: Sendable {
  /// Weights of convolutions and linear layers from N(0, deviation²), their biases constant; linear layers uniform in
  /// ±1/√outputs with biases 0: FFNet's rule (0.01 and 1e-4).
  case normal(deviation: Float, bias: Float)
  /// Convolutions from N(0, 2 / (outputs · kernel pixels)), biases 0; linear layers uniform in ±1/√inputs: ResNet's
  /// rule (He et al., fan out).
  case kaimingFanOut
}

extension Module {
  /// Gives every convolution and linear layer fresh weights; norms keep their 1 and 0.
  ///
  /// Each parameter is drawn from a stream of its own, by seed and name: what else a network has changes nothing, so
  /// two networks that share layers start equal there.
  public func initialize(_ scheme: Initialization, seed: UInt64) { initialize(scheme, seed: seed, prefix: "") }

  private func initialize(_ scheme: Initialization, seed: UInt64, prefix: String) {
    switch self {
    case let layer as Conv2d:
      let shape = layer.weight.shape
      var random = RandomSource(seed: seed, name: prefix + "weight")
      let deviation: Float
      switch scheme {
      case .normal(let given, let bias):
        deviation = given
        layer.bias?.value = Tensor(layer.bias!.shape, filledWith: bias)
      case .kaimingFanOut:
        deviation = (2 / Float(shape[0] * shape[2] * shape[3] / layer.groups)).squareRoot()
        layer.bias?.value = .zeros(layer.bias!.shape)
      }
      layer.weight.value = .normal(shape, deviation: deviation, using: &random)
    case let layer as Linear:
      let shape = layer.weight.shape
      var random = RandomSource(seed: seed, name: prefix + "weight")
      let bound: Float
      switch scheme {
      case .normal: bound = 1 / Float(shape[0]).squareRoot()
      case .kaimingFanOut: bound = 1 / Float(shape[1]).squareRoot()
      }
      layer.weight.value = .uniform(shape, in: -bound..<bound, using: &random)
      layer.bias?.value = .zeros(layer.bias!.shape)
    case let layer as PointwiseConvolution:
      let shape = layer.weight.shape
      var random = RandomSource(seed: seed, name: prefix + "weight")
      let deviation: Float
      switch scheme {
      case .normal(let given, let bias):
        deviation = given
        layer.bias.value = Tensor(layer.bias.shape, filledWith: bias)
      case .kaimingFanOut:
        deviation = (2 / Float(shape[0])).squareRoot()
        layer.bias.value = .zeros(layer.bias.shape)
      }
      layer.weight.value = .normal(shape, deviation: deviation, using: &random)
    default:
      for child in children { child.module.initialize(scheme, seed: seed, prefix: "\(prefix)\(child.name).") }
    }
  }
}
