import CSegKernels

/// A convolution of one group by the blocked kernels, forward and backward: the way of training.
///
/// Images stay in channel blocks from one operation to the next. Weights change at every step, so they are packed at
/// every call. The gradient of the input is a convolution itself: of the output's gradient, with the weights turned and
/// inputs and outputs exchanged; where the convolution has a stride, zeros are put between the gradient's pixels first.
struct BlockedConvolution {
  private let convolution: Conv2dOperation
  private let x: Shape, weight: Shape, y: Shape
  private let plan: ConvolutionPlan
  private let kernels: SKKernels
  private var block: Int { Int(kernels.channelBlock()) }

  /// Fewer outputs leave most lanes of a panel idle.
  private static let leastOutputs = 8

  /// - Returns: nil where columns and BLAS do it, or do it better.
  init?(_ convolution: Conv2dOperation, _ x: Shape, _ weight: Shape) {
    let kernels = SegKernels.kernels
    guard convolution.groups == 1, weight[0] >= BlockedConvolution.leastOutputs,
      let plan = ConvolutionPlan(convolution, x: x, weight: weight, kernels: kernels)
    else { return nil }
    self.convolution = convolution
    self.x = x
    self.weight = weight
    self.plan = plan
    self.kernels = kernels
    y = convolution.outputShapes([x, weight])[0]
    guard y.elementCount > 0 else { return nil }
  }

  /// The input as the kernels read it: in channel blocks, or as it is where it has less than a block of channels.
  func inLayout(_ x: Tensor) -> Tensor {
    x.layout == .rowMajor && x.shape[1] < block && plan.algorithm == .direct ? x : x.channelBlocked(block)
  }

  /// y = W ∗ x + bias.
  func result(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
    let packing = SKPacking(
      weight: nil, outputs: Int32(self.weight[0]), channels: Int32(self.weight[1]), taps: Int32(taps),
      outputStride: self.weight[1] * taps, channelStride: taps, isTurned: 0)
    return convolved(inLayout(x), weight, packing, bias, plan, to: y)
  }

  /// dx = turned W ∗ dy.
  func dataGradient(_ dy: Tensor, _ weight: Tensor) -> Tensor {
    let window = convolution.window, dy = dy.channelBlocked(block)
    let packing = SKPacking(
      weight: nil, outputs: Int32(self.weight[1]), channels: Int32(self.weight[0]), taps: Int32(taps),
      outputStride: taps, channelStride: self.weight[1] * taps, isTurned: 1)
    // A strided 1×1 convolution sees few of the pixels: multiply first, and spread what comes out.
    if taps == 1, window.padding == 0, window.stride != 1 {
      let plan = gradientPlan(input: dy.shape, output: Pair(height: dy.shape[2], width: dy.shape[3]), padding: 0)
      let small = convolved(dy, weight, packing, nil, plan, to: dy.shape.replacing(axis: 1, with: x[1]))
      return spread(small, to: Pair(height: x[2], width: x[3]))
    }
    let spreadSize = Pair(
      height: (dy.shape[2] - 1) * window.stride.height + 1, width: (dy.shape[3] - 1) * window.stride.width + 1)
    let input = window.stride == 1 ? dy : spread(dy, to: spreadSize)
    let padding = Pair(
      height: window.dilation.height * (window.kernel.height - 1) - window.padding.height,
      width: window.dilation.width * (window.kernel.width - 1) - window.padding.width)
    let plan = gradientPlan(input: input.shape, output: Pair(height: x[2], width: x[3]), padding: padding)
    return convolved(input, weight, packing, nil, plan, to: x)
  }

  /// dW = Σ dy · x.
  func weightGradient(_ dy: Tensor, _ x: Tensor) -> Tensor {
    let plan = WeightGradientPlan(convolution.window, plan.geometry, x: x.shape, weight: weight, kernels: kernels)
    let dy = dy.channelBlocked(block), x = plan.isWinograd ? x.channelBlocked(block) : inLayout(x)
    var step = plan.step
    step.map.isPlain = x.layout == .rowMajor ? 1 : 0
    return withExtendedLifetime((x, dy)) {
      step.map.x = x.pointer(for: convolution.name)
      step.map.imageX = x.storedCount / x.shape[0]
      step.dy = dy.pointer(for: convolution.name)
      step.imageDy = dy.storedCount / dy.shape[0]
      return plan.gradient(&step, weight)
    }
  }

  private var taps: Int { weight[2] * weight[3] }

  /// The plan of a convolution at stride 1 from `input` with the outputs' channels to `output` with the inputs'.
  private func gradientPlan(input: Shape, output: Pair, padding: Pair) -> ConvolutionPlan {
    var geometry = plan.geometry
    (geometry.height, geometry.width) = (Int32(input[2]), Int32(input[3]))
    (geometry.outputHeight, geometry.outputWidth) = (Int32(output.height), Int32(output.width))
    (geometry.strideHeight, geometry.strideWidth) = (1, 1)
    (geometry.paddingHeight, geometry.paddingWidth) = (Int32(padding.height), Int32(padding.width))
    return ConvolutionPlan(geometry, batch: input[0], channels: input[1], outputs: x[1], kernels: kernels)
  }

  private func convolved(
    _ x: Tensor, _ weight: Tensor, _ packing: SKPacking, _ bias: Tensor?, _ plan: ConvolutionPlan, to shape: Shape
  ) -> Tensor {
    var packing = packing
    packing.weight = weight.pointer(for: convolution.name)
    let biases =
      bias.map { PackedWeights.pack(bias: $0, block: block) }
      ?? Storage(count: ceilingDivide(shape[1], 2 * block) * 2 * block, zeroed: true)
    var y = Tensor(uninitialized: shape, layout: .channelBlocked(block))
    var step = plan.step
    step.isPlain = x.layout == .rowMajor ? 1 : 0
    step.bind(x, to: &y)
    step.bias = UnsafePointer(biases.base)
    let panels = ceilingDivide(Int(packing.outputs), 2 * block)
    let panelWeights =
      plan.algorithm.tileSide.map { kernels.winogradWeights(&step, Int32($0)) / panels }
      ?? 2 * block * Int(packing.channels) * taps
    let scratch = plan.scratchCount(kernels)
    if plan.isOneRegion {
      runPacking(step, packing, plan, panels: panels, panelWeights: panelWeights, scratch: scratch)
    } else {
      let packed = Storage(count: panels * panelWeights), pack = pack(plan)
      withUnsafePointer(to: packing) { packing in parallelFor(panels) { pack(packing, Int32($0), packed.base) } }
      step.weights = UnsafePointer(packed.base)
      step.run(scratch: scratch)
      withExtendedLifetime(packed) {}
    }
    withExtendedLifetime((x, weight, biases)) {}
    return y
  }

  private func pack(_ plan: ConvolutionPlan) -> (UnsafePointer<SKPacking>?, Int32, UnsafeMutablePointer<Float>?) -> Void
  {
    switch plan.algorithm {
    case .winograd4: kernels.packWinograd4!
    case .winograd2: kernels.packWinograd2!
    case .direct, .depthwise: kernels.packDirect!
    }
  }

  /// Runs a step in which each panel belongs to one task: the task packs its panels, and finds them in its cache. All of
  /// them, transformed, would be written to memory and read again.
  private func runPacking(
    _ step: SKMapStep, _ packing: SKPacking, _ plan: ConvolutionPlan, panels: Int, panelWeights: Int, scratch: Int
  ) {
    let pack = pack(plan), share = Int(step.regionPanels)
    parallelFor(Int(step.tasks)) { task in
      let own = (task * share)..<min((task + 1) * share, panels)
      withWorkspace(own.count * panelWeights + scratch) { memory in
        var (step, packing) = (step, packing)
        // Where the first of all panels would be.
        let weights = memory - own.lowerBound * panelWeights
        for panel in own { pack(&packing, Int32(panel), weights) }
        step.weights = UnsafePointer(weights)
        step.run(&step, Int32(task), memory + own.count * panelWeights)
      }
    }
  }

  /// dy's pixels as far apart as the stride, zeros between and behind them.
  private func spread(_ dy: Tensor, to size: Pair) -> Tensor {
    let shape = dy.shape.replacing(axis: 2, with: size.height).replacing(axis: 3, with: size.width)
    var result = Tensor(uninitialized: shape, layout: dy.layout)
    var step = SKMapStep(mapping: dy, to: &result)
    (step.geometry.strideHeight, step.geometry.strideWidth) = (
      Int32(convolution.window.stride.height), Int32(convolution.window.stride.width)
    )
    step.tasks = Int32(shape[0] * ceilingDivide(shape[1], block))
    step.run = kernels.spreadPixels
    step.run(scratch: 0)
    withExtendedLifetime(dy) {}
    return result
  }
}

extension SKMapStep {
  /// A step between two tensors, sizes and memory filled in; the tensors must outlive it.
  init(mapping x: Tensor, to y: inout Tensor) {
    self.init()
    (geometry.height, geometry.width) = (Int32(x.shape[2]), Int32(x.shape[3]))
    (geometry.outputHeight, geometry.outputWidth) = (Int32(y.shape[2]), Int32(y.shape[3]))
    batch = Int32(x.shape[0])
    channels = Int32(x.shape[1])
    outputs = Int32(y.shape[1])
    bind(x, to: &y)
  }

  /// Where the step reads and writes; the tensors must outlive it.
  mutating func bind(_ x: Tensor, to y: inout Tensor) {
    self.x = x.pointer(for: "SKMapStep")
    imageX = x.storedCount / max(x.shape[0], 1)
    self.y = y.exclusivePointer()
    imageY = y.storedCount / max(y.shape[0], 1)
  }

  /// Does all tasks of the step, in parallel.
  func run(scratch count: Int) {
    withUnsafePointer(to: self) { step in
      parallelFor(Int(tasks)) { task in
        withWorkspace(count) { step.pointee.run(step, Int32(task), $0) }
      }
    }
  }
}
