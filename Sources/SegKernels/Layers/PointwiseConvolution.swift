/// The same affine map at every pixel, with the weight that PyTorch's `Conv1d` of kernel 1 has: O×C×1.
public final class PointwiseConvolution: UnaryModule {
  /// O×C×1.
  public let weight: Parameter
  /// One number an output channel.
  public let bias: Parameter

  /// Weights start at zero; a model's initialiser or a weights file fills them.
  public init(inputChannels: Int, outputChannels: Int) {
    weight = Parameter(.zeros([outputChannels, inputChannels, 1]))
    bias = Parameter(.zeros([outputChannels]))
  }

  public var parts: [Part] { [Part("weight", weight), Part("bias", bias)] }

  /// N×C×H×W to N×O×H×W.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv2d(x, weight: weight.value.reshaped(weight.shape[0], weight.shape[1], 1, 1), bias: bias.value)
  }
}
