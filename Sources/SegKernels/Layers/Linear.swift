/// y = x · Wᵀ + b for rows of features, N×C to N×O.
public final class Linear: UnaryModule {
  /// O×C.
  public let weight: Parameter
  /// One number an output.
  public let bias: Parameter?

  /// Weights start at zero; a model's initialiser or a weights file fills them.
  public init(inputFeatures: Int, outputFeatures: Int, bias: Bool = true) {
    weight = Parameter(.zeros([outputFeatures, inputFeatures]))
    self.bias = bias ? Parameter(.zeros([outputFeatures])) : nil
  }

  public var parts: [Part] { [Part("weight", weight), Part("bias", bias)] }

  public func callAsFunction(_ x: Tensor) -> Tensor { linear(x, weight: weight.value, bias: bias?.value) }
}
