/// Transposed convolution: the map whose gradient is a convolution, used to enlarge.
///
/// y[n, o, i·stride − padding + u·dilation, …] gathers w[c, o, u, v] · x[n, c, i, j]; rows of the result:
/// (H − 1)·stride − 2·padding + dilation·(kH − 1) + outputPadding + 1. Semantics as PyTorch's `conv_transpose2d`.
///
/// - Parameters:
///   - x: N×C×H×W.
///   - weight: C×(O/groups)×kH×kW.
///   - bias: one number an output channel.
///   - stride: steps of the window over the result.
///   - padding: rows and columns cut off the result on either side.
///   - outputPadding: rows and columns added at the end of the result, fewer than the stride or dilation.
///   - dilation: the distance between the kernel's taps.
///   - groups: the channels are split into this many groups that do not see each other.
public func transposedConv2d(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Pair = 1, padding: Pair = 0, outputPadding: Pair = 0,
  dilation: Pair = 1, groups: Int = 1
) -> Tensor {
  check(weight.rank == 4, "transposedConv2d", "expected a weight C×O×kH×kW, found shape \(weight.shape)")
  let kernel = Pair(height: weight.shape[2], width: weight.shape[3])
  let window = Window(kernel: kernel, stride: stride, padding: padding, dilation: dilation)
  let operation = TransposedConv2dOperation(
    convolution: Conv2dOperation(window: window, groups: groups), outputPadding: outputPadding)
  return apply(operation, to: [x, weight] + (bias.map { [$0] } ?? []))[0]
}

/// The convolution's passes with their parts exchanged: forward is its data gradient, backward its forward.
struct TransposedConv2dOperation: TensorOperation {
  let convolution: Conv2dOperation
  let outputPadding: Pair

  let name = "transposedConv2d"
  var attributes: [(name: String, value: Attribute)] {
    convolution.attributes + [("outputPadding", .integers([outputPadding.height, outputPadding.width]))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (x, weight) = (inputs[0], inputs[1]), window = convolution.window, groups = convolution.groups
    check(x.rank == 4, name, "expected N×C×H×W, found shape \(x)")
    check(
      groups > 0 && x[1] % groups == 0 && weight[0] == x[1], name,
      "a weight of shape \(weight) in \(groups) groups does not fit an image of shape \(x)")
    func extent(_ axis: Int, _ path: KeyPath<Pair, Int>) -> Int {
      let reach = window.dilation[keyPath: path] * (window.kernel[keyPath: path] - 1) + 1
      let step = window.stride[keyPath: path], extra = outputPadding[keyPath: path]
      check(
        step > 0 && extra >= 0 && (extra < step || extra < window.dilation[keyPath: path]), name,
        "output padding \(outputPadding) must be less than stride \(window.stride) or dilation \(window.dilation)")
      return (x[axis] - 1) * step - 2 * window.padding[keyPath: path] + reach + extra
    }
    let (height, width) = (extent(2, \.height), extent(3, \.width))
    check(height > 0 && width > 0, name, "padding \(window.padding) leaves nothing of an image of shape \(x)")
    check(
      inputs.count < 3 || inputs[2] == [weight[1] * groups], name,
      "expected a bias of shape (\(weight[1] * groups)), found \(inputs.last!)")
    return [[x[0], weight[1] * groups, height, width]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int {
    2 * inputs[0].elementCount * inputs[1].dropFirst().reduce(1, *)
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let (x, weight) = (inputs[0], inputs[1])
    if context.isRecording { context.saved = [x, weight] }
    let shape = outputShapes(inputs.map(\.shape))[0]
    let y = convolution.dataGradient(x, weight, shape)
    return [inputs.count > 2 ? y + inputs[2].viewed(as: [1, shape[1], 1, 1]) : y]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!.rowMajor()
    let (x, weight) = (context.saved[0], context.saved[1])
    var result: [Tensor?] = [
      context.needsGradient[0] ? convolution.convolved(dy, weight, bias: nil) : nil,
      context.needsGradient[1] ? convolution.weightGradient(x, dy, weight.shape) : nil,
    ]
    if context.inputShapes.count > 2 { result.append(context.needsGradient[2] ? dy.sum(axes: [0, 2, 3]) : nil) }
    return result
  }
}
