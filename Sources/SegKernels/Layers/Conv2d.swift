/// A convolution with its weight: see ``conv2d(_:weight:bias:stride:padding:dilation:groups:)``.
///
/// Weights start at zero; a model's initialiser or a weights file fills them.
public final class Conv2d: UnaryModule {
  public let weight: Parameter
  public let bias: Parameter?
  public let stride: Pair
  public let padding: Pair
  public let dilation: Pair
  public let groups: Int

  /// - Parameters:
  ///   - inputChannels: C of the input.
  ///   - outputChannels: C of the output.
  ///   - padding: zeros around the image; by default as many as keep its size at stride 1 (odd kernels).
  public init(
    inputChannels: Int, outputChannels: Int, kernel: Pair, stride: Pair = 1, padding: Pair? = nil, dilation: Pair = 1,
    groups: Int = 1, bias: Bool
  ) {
    weight = Parameter(.zeros([outputChannels, inputChannels / groups, kernel.height, kernel.width]))
    self.bias = bias ? Parameter(.zeros([outputChannels])) : nil
    self.stride = stride
    self.padding =
      padding
      ?? Pair(
        height: dilation.height * (kernel.height - 1) / 2, width: dilation.width * (kernel.width - 1) / 2)
    self.dilation = dilation
    self.groups = groups
  }

  public var parts: [Part] { [Part("weight", weight), Part("bias", bias)] }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv2d(
      x, weight: weight.value, bias: bias?.value, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
}
