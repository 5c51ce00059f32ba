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
  /// Gives every convolution and linear layer fresh weights; norms keep their 1 and 0, and a convolution that has a rule
  /// of its own keeps to that.
  ///
  /// Each parameter is drawn from a stream of its own, by seed and name: what else a network has changes nothing, so
  /// two networks that share layers start equal there.
  public func initialize(_ scheme: Initialization, seed: UInt64) { initialize(scheme, seed: seed, prefix: "") }

  private func initialize(_ scheme: Initialization, seed: UInt64, prefix: String) {
    switch self {
    case let layer as Conv2d:
      draw(layer.weight, layer.bias, groups: layer.groups, layer.initialization ?? scheme, seed: seed, prefix: prefix)
    case let layer as PointwiseConvolution:
      draw(layer.weight, layer.bias, scheme, seed: seed, prefix: prefix)
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
    default:
      for child in children { child.module.initialize(scheme, seed: seed, prefix: "\(prefix)\(child.name).") }
    }
  }

  /// Fresh weights O×C×… of a convolution, and its bias.
  private func draw(
    _ weight: Parameter, _ bias: Parameter?, groups: Int = 1, _ scheme: Initialization, seed: UInt64, prefix: String
  ) {
    let shape = weight.shape
    var random = RandomSource(seed: seed, name: prefix + "weight")
    let deviation: Float, start: Float
    switch scheme {
    case .normal(let given, let bias): (deviation, start) = (given, bias)
    case .kaimingFanOut:
      let fanOut = shape[0] * shape.dropFirst(2).reduce(1, *) / groups
      (deviation, start) = ((2 / Float(fanOut)).squareRoot(), 0)
    }
    bias?.value = Tensor(bias!.shape, filledWith: start)
    weight.value = .normal(shape, deviation: deviation, using: &random)
  }
}
