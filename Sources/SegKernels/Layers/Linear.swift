/// y = x · Wᵀ + b for rows of features, …×C to …×O.
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

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let lead = x.shape.dropLast()
    guard lead.count > 1 else { return linear(x, weight: weight.value, bias: bias?.value) }
    let rows = x.reshaped(lead.reduce(1, *), x.shape[-1])
    return linear(rows, weight: weight.value, bias: bias?.value).reshaped(Shape(lead + [weight.shape[0]]))
  }
}
