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
  public func initialize(_ scheme: Initialization, using random: inout RandomSource) {
    switch self {
    case let layer as Conv2d:
      let shape = layer.weight.shape
      switch scheme {
      case .normal(let deviation, let bias):
        layer.weight.value = .normal(shape, deviation: deviation, using: &random)
        layer.bias?.value = Tensor(layer.bias!.shape, filledWith: bias)
      case .kaimingFanOut:
        let fanOut = Float(shape[0] * shape[2] * shape[3] / layer.groups)
        layer.weight.value = .normal(shape, deviation: (2 / fanOut).squareRoot(), using: &random)
        layer.bias?.value = .zeros(layer.bias!.shape)
      }
    case let layer as Linear:
      let shape = layer.weight.shape
      let bound: Float
      switch scheme {
      case .normal: bound = 1 / Float(shape[0]).squareRoot()
      case .kaimingFanOut: bound = 1 / Float(shape[1]).squareRoot()
      }
      layer.weight.value = .uniform(shape, in: -bound..<bound, using: &random)
      layer.bias?.value = .zeros(layer.bias!.shape)
    default:
      for part in parts {
        guard case .modules(let modules)? = part.content else { continue }
        for child in modules { child.module.initialize(scheme, using: &random) }
      }
    }
  }
}
