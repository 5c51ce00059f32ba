import CSegKernels

/// A depthwise convolution of stride 1 in channel blocks, forward and backward: the way of training.
///
/// As in ``BlockedConvolution`` images stay in blocks from one operation to the next, and the gradient of the input is a
/// convolution with the kernels turned. Columns would hold each pixel once a tap, for a single product each.
struct BlockedDepthwise {
  private let convolution: Conv2dOperation
  private let x: Shape, weight: Shape, y: Shape
  private let kernels: SKKernels
  private var block: Int { Int(kernels.channelBlock()) }
  private var taps: Int { weight[2] * weight[3] }

  /// - Returns: nil where it is no depthwise convolution, or one with a stride.
  init?(_ convolution: Conv2dOperation, _ x: Shape, _ weight: Shape) {
    guard convolution.groups > 1, weight[0] == x[1], weight[1] == 1, convolution.window.stride == 1,
      weight[2] * weight[3] <= Int(SK_MAX_TAPS)
    else { return nil }
    y = convolution.outputShapes([x, weight])[0]
    guard x.elementCount > 0, y.elementCount > 0 else { return nil }
    (self.convolution, self.x, self.weight, kernels) = (convolution, x, weight, SegKernels.kernels)
  }

  /// The input as the kernels read it.
  func inLayout(_ x: Tensor) -> Tensor { x.channelBlocked(block) }

  /// y = W ∗ x + bias.
  func result(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
    convolved(inLayout(x), weight, bias, convolution, to: y)
  }

  /// dx = turned W ∗ dy.
  func dataGradient(_ dy: Tensor, _ weight: Tensor) -> Tensor {
    var turned = convolution.window
    turned.padding = Pair(
      height: turned.dilation.height * (turned.kernel.height - 1) - turned.padding.height,
      width: turned.dilation.width * (turned.kernel.width - 1) - turned.padding.width)
    let count = taps, source = weight.scalars
    let reversed = Tensor(weight.shape, source.indices.map { source[$0 / count * count + count - 1 - $0 % count] })
    return convolved(
      inLayout(dy), reversed, nil, Conv2dOperation(window: turned, groups: convolution.groups), to: x)
  }

  /// dW = Σ dy · x, image by image, so that the sums do not depend on the number of threads.
  func weightGradient(_ dy: Tensor, _ x: Tensor) -> Tensor {
    let dy = inLayout(dy), x = inLayout(x), blocks = ceilingDivide(weight[0], block), lanes = taps * block
    let (planeX, planeY) = (self.x[2] * self.x[3] * block, y[2] * y[3] * block)
    var sums = [Double](repeating: 0, count: self.x[0] * blocks * lanes)
    sums.withUnsafeMutableBufferPointer { sums in
      let sums = sums.baseAddress!, p = x.pointer(for: convolution.name), d = dy.pointer(for: convolution.name)
      parallelFor(self.x[0] * blocks) { plane in
        var geometry = convolution.window.geometry(self.x, for: convolution.name)
        kernels.depthwiseWeightGradient(p + plane * planeX, d + plane * planeY, &geometry, sums + plane * lanes)
      }
      withExtendedLifetime((x, dy)) {}
    }
    return Tensor(uninitialized: weight) { dw in
      for channel in 0..<weight[0] {
        for tap in 0..<taps {
          let place = (channel / block * taps + tap) * block + channel % block
          dw[channel * taps + tap] = Float(
            (0..<self.x[0]).reduce(0.0) { $0 + sums[$1 * blocks * lanes + place] })
        }
      }
    }
  }

  private func convolved(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ convolution: Conv2dOperation, to shape: Shape
  ) -> Tensor {
    guard let plan = ConvolutionPlan(convolution, x: x.shape, weight: weight.shape, kernels: kernels) else {
      misuse(convolution.name, "the blocked kernels do not do a depthwise convolution of \(weight.shape)")
    }
    let packed = PackedWeights.pack(weight, scale: nil, as: .depthwise)
    let biases =
      bias.map { PackedWeights.pack(bias: $0, block: block) }
      ?? Storage(count: ceilingDivide(shape[1], 2 * block) * 2 * block, zeroed: true)
    var y = Tensor(uninitialized: shape, layout: .channelBlocked(block))
    var step = plan.step
    step.bind(x, to: &y)
    step.weights = UnsafePointer(packed.base)
    step.bias = UnsafePointer(biases.base)
    step.run(scratch: plan.scratchCount(kernels))
    withExtendedLifetime((x, packed, biases)) {}
    return y
  }
}
