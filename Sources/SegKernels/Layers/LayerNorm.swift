/// Normalisation of every row of features: see ``layerNorm(_:weight:bias:epsilon:)``.
public final class LayerNorm: UnaryModule {
  /// The learned scale, one a feature.
  public let weight: Parameter
  /// The learned shift, one a feature.
  public let bias: Parameter
  /// What is added to the variance.
  public let epsilon: Float

  /// A layer of scale 1 and shift 0.
  public init(features: Int, epsilon: Float = 1e-5) {
    weight = Parameter(.ones([features]))
    bias = Parameter(.zeros([features]))
    self.epsilon = epsilon
  }

  public var parts: [Part] { [Part("weight", weight), Part("bias", bias)] }

  /// …×C to the same shape.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    layerNorm(x, weight: weight.value, bias: bias.value, epsilon: epsilon)
  }
}
