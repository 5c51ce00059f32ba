/// A convolution with its weight: see ``conv2d(_:weight:bias:stride:padding:dilation:groups:)``.
///
/// Weights start at zero; a model's initialiser or a weights file fills them.
public final class Conv2d: UnaryModule {
  /// O×(C/groups)×kH×kW.
  public let weight: Parameter
  /// One number an output channel.
  public let bias: Parameter?
  /// Steps between windows.
  public let stride: Pair
  /// Zeros around the image.
  public let padding: Pair
  /// Steps between the pixels of a window.
  public let dilation: Pair
  /// Groups of channels that do not see each other.
  public let groups: Int
  /// How the weights start, where that is not as the network's do: a last layer that begins small.
  public let initialization: Initialization?

  /// A layer with zero weights.
  ///
  /// - Parameters:
  ///   - inputChannels: C of the input.
  ///   - outputChannels: C of the output.
  ///   - kernel: rows and columns of the kernel.
  ///   - stride: steps between windows.
  ///   - padding: zeros around the image; by default as many as keep its size at stride 1 (odd kernels).
  ///   - dilation: steps between the pixels of a window.
  ///   - groups: the channels are split into this many groups that do not see each other.
  ///   - bias: whether each output channel has a number that is added.
  ///   - initialization: how the weights start, where that is not as the network's do.
  public init(
    inputChannels: Int, outputChannels: Int, kernel: Pair, stride: Pair = 1, padding: Pair? = nil, dilation: Pair = 1,
    groups: Int = 1, bias: Bool, initialization: Initialization? = nil
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
    self.initialization = initialization
  }

  public var parts: [Part] { [Part("weight", weight), Part("bias", bias)] }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv2d(
      x, weight: weight.value, bias: bias?.value, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
}
