import CSegKernels

/// Two-dimensional convolution (as the field means it: cross-correlation).
///
/// y[n, o, i, j] = bias[o] + Σ w[o, c, u, v] · x[n, c, i·stride − padding + u·dilation, j·stride − padding + v·dilation]
///
/// - Parameters:
///   - x: images, N×C×H×W.
///   - weight: O×(C/groups)×kH×kW.
///   - bias: one number an output channel.
///   - stride: steps of the kernel, down and right.
///   - padding: zeros on either side, of rows and of columns.
///   - dilation: the distance between the kernel's taps, down and right.
///   - groups: the channels are split into this many groups that do not see each other; C of them is depthwise.
public func conv2d(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1,
  groups: Int = 1
) -> Tensor {
  check(weight.rank == 4, "conv2d", "expected a weight O×C×kH×kW, found shape \(weight.shape)")
  let kernel = Pair(height: weight.shape[2], width: weight.shape[3])
  let window = Window(kernel: kernel, stride: stride, padding: padding, dilation: dilation)
  return apply(Conv2dOperation(window: window, groups: groups), to: [x, weight] + (bias.map { [$0] } ?? []))[0]
}

/// A convolution, by the blocked kernels where they can do it and it is worth it, else by columns and BLAS.
///
/// Which of the two, and how the work is cut, depends on shapes and instruction set alone.
struct Conv2dOperation: BlockedOperation {
  let window: Window
  let groups: Int

  let name = "conv2d"
  var attributes: [(name: String, value: Attribute)] { window.attributes + [("groups", .integer(groups))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (x, weight) = (inputs[0], inputs[1])
    check(x.rank == 4, name, "expected N×C×H×W, found shape \(x)")
    check(
      groups > 0 && x[1] % groups == 0 && weight[0] % groups == 0 && weight[1] == x[1] / groups, name,
      "a weight of shape \(weight) in \(groups) groups does not fit an image of shape \(x)")
    check(
      inputs.count < 3 || inputs[2] == [weight[0]], name,
      "expected a bias of shape (\(weight[0])), found \(inputs.last!)")
    let size = window.outputSize(x, for: name)
    return [[x[0], weight[0], size.height, size.width]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int {
    2 * outputShapes(inputs)[0].elementCount * inputs[1].dropFirst().reduce(1, *)
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let (weight, bias) = (inputs[1].rowMajor(), inputs.count > 2 ? inputs[2].rowMajor() : nil)
    let blocked = BlockedConvolution(self, inputs[0].shape, weight.shape)
    let depthwise = BlockedDepthwise(self, inputs[0].shape, weight.shape)
    let x = blocked?.inLayout(inputs[0]) ?? depthwise?.inLayout(inputs[0]) ?? inputs[0].rowMajor()
    if context.isRecording { context.saved = [x, weight] }
    return [
      blocked?.result(x, weight, bias) ?? depthwise?.result(x, weight, bias) ?? convolved(x, weight, bias: bias)
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!
    let (x, weight) = (context.saved[0], context.saved[1])
    let blocked = BlockedConvolution(self, x.shape, weight.shape)
    let depthwise = BlockedDepthwise(self, x.shape, weight.shape)
    func dataGradient() -> Tensor {
      blocked?.dataGradient(dy, weight) ?? depthwise?.dataGradient(dy, weight)
        ?? self.dataGradient(dy.rowMajor(), weight, x.shape)
    }
    func weightGradient() -> Tensor {
      blocked?.weightGradient(dy, x) ?? depthwise?.weightGradient(dy, x)
        ?? self.weightGradient(dy.rowMajor(), x, weight.shape)
    }
    var result: [Tensor?] = [
      context.needsGradient[0] ? dataGradient() : nil, context.needsGradient[1] ? weightGradient() : nil,
    ]
    if context.inputShapes.count > 2 { result.append(context.needsGradient[2] ? dy.sum(axes: [0, 2, 3]) : nil) }
    return result
  }
}
