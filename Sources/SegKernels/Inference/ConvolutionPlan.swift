import CSegKernels

/// How a compiled network convolves.
package enum ConvolutionAlgorithm: String, Sendable, Hashable, CaseIterable {
  /// Register tiles of output pixels × output channels, straight from the definition: every kernel, stride and dilation.
  case direct
  /// One channel at a time: as many groups as channels.
  case depthwise
  /// F(4×4, 3×3): a quarter of the multiplications, for 3×3 kernels at stride 1.
  case winograd
}

/// How one convolution is done and how its work is cut. All of it follows from shape and instruction set, so that results
/// do not depend on threads or timing.
struct ConvolutionPlan {
  let algorithm: ConvolutionAlgorithm
  /// Everything about the step but its pointers.
  var step: SKMapStep

  /// What a task's scratch memory may take of a core's second-level cache, in floats: 256 KiB.
  private static let scratchBudget = 64 * 1024
  /// As many tasks as keep several threads busy to the end, where the shape allows it.
  private static let wantedTasks = 16

  /// - Parameter forced: the algorithm, where it can do this convolution: for tests and measurements.
  /// - Returns: nil where no blocked kernel does this.
  init?(
    _ convolution: Conv2dOperation, x: Shape, weight: Shape, kernels: SKKernels, forced: ConvolutionAlgorithm? = nil
  ) {
    let isDepthwise = convolution.groups > 1 && weight[0] == x[1] && weight[1] == 1
    guard convolution.groups == 1 || isDepthwise, weight[2] * weight[3] <= Int(SK_MAX_TAPS), x.elementCount > 0 else {
      return nil
    }
    step = SKMapStep()
    step.geometry = convolution.window.geometry(x, for: convolution.name)
    step.batch = Int32(x[0])
    step.channels = Int32(x[1])
    step.outputs = Int32(weight[0])
    if isDepthwise {
      algorithm = .depthwise
      planRows(kernels)
      return
    }
    let window = convolution.window
    let isUnitStride3 = window.kernel == 3 && window.stride == 1 && window.dilation == 1
    let wantsWinograd = forced.map { $0 == .winograd } ?? ConvolutionPlan.prefersWinograd(step)
    algorithm = isUnitStride3 && wantsWinograd ? .winograd : .direct
    if algorithm == .winograd { planWinograd(kernels) } else { planDirect(kernels) }
  }

  /// Where Winograd is the faster of the two, as measured on AVX2 (see Documentation/Inference.md).
  private static func prefersWinograd(_ step: SKMapStep) -> Bool {
    step.channels >= 16 && step.outputs >= 16
  }

  /// Panels of two blocks of output channels.
  private func panels(_ kernels: SKKernels) -> Int { ceilingDivide(Int(step.outputs), 2 * Int(kernels.channelBlock())) }

  /// Splits output channels as well where `regions` alone are too few tasks.
  private mutating func splitPanels(_ kernels: SKKernels, regions: Int) {
    let panels = panels(kernels)
    let chunks = min(panels, ceilingDivide(ConvolutionPlan.wantedTasks, regions))
    step.regionPanels = Int32(ceilingDivide(panels, chunks))
    step.tasks = Int32(regions * ceilingDivide(panels, Int(step.regionPanels)))
  }

  private mutating func planRows(_ kernels: SKKernels) {
    step.planRows(block: Int(kernels.channelBlock()))
    step.run = kernels.convolveDepthwise
  }

  private mutating func planDirect(_ kernels: SKKernels) {
    step.run = kernels.convolveDirect
    let g = step.geometry
    if g.kernelHeight * g.kernelWidth == 1, g.strideHeight == 1, g.strideWidth == 1, g.paddingHeight == 0,
      g.paddingWidth == 0
    {
      // Rows mean nothing to a 1×1 kernel: one long row leaves no narrow rest.
      step.geometry.width = g.width * g.height
      step.geometry.outputWidth = step.geometry.width
      (step.geometry.height, step.geometry.outputHeight) = (1, 1)
    }
    let (height, width) = (Int(step.geometry.outputHeight), Int(step.geometry.outputWidth))
    let pixels = Int(kernels.tilePixels())
    // Whole rows if they fit, else columns; then as many rows as fit. Enough regions to share out.
    (step.regionRows, step.regionColumns) = (1, Int32(min(width, 256)))
    while Int(kernels.directScratch(&step)) > ConvolutionPlan.scratchBudget, Int(step.regionColumns) > 2 * pixels {
      step.regionColumns = Int32(ceilingDivide(Int(step.regionColumns) / 2, pixels) * pixels)
    }
    let across = ceilingDivide(width, Int(step.regionColumns))
    let mostRows = max(1, height * Int(step.batch) * across / ConvolutionPlan.wantedTasks)
    while Int(step.regionRows) < min(height, mostRows, 16) {
      step.regionRows += 1
      guard Int(kernels.directScratch(&step)) > ConvolutionPlan.scratchBudget else { continue }
      step.regionRows -= 1
      break
    }
    splitPanels(kernels, regions: Int(step.batch) * across * ceilingDivide(height, Int(step.regionRows)))
  }

  private mutating func planWinograd(_ kernels: SKKernels) {
    step.run = kernels.convolveWinograd
    let g = step.geometry
    let pixels = Int(kernels.tilePixels())
    let tiles = Int(step.batch) * ceilingDivide(Int(g.outputHeight), 4) * ceilingDivide(Int(g.outputWidth), 4)
    // Few tiles read the weights more often, many leave the cache.
    step.regionColumns = Int32(min(24, ceilingDivide(tiles, pixels) * pixels))
    splitPanels(kernels, regions: ceilingDivide(tiles, Int(step.regionColumns)))
  }

  /// The floats of scratch memory that a thread needs.
  func scratchCount(_ kernels: SKKernels) -> Int {
    var step = self.step
    switch algorithm {
    case .direct: return kernels.directScratch(&step)
    case .winograd: return kernels.winogradScratch(&step)
    case .depthwise: return 0
    }
  }
}

extension SKMapStep {
  /// Cuts the work by rows of one block of channels, a few thousand floats each.
  mutating func planRows(block: Int) {
    let (height, width) = (Int(geometry.outputHeight), Int(geometry.outputWidth))
    let rows = min(height, max(1, 8192 / max(width * block, 1)))
    regionRows = Int32(rows)
    tasks = Int32(Int(batch) * ceilingDivide(Int(outputs), block) * ceilingDivide(height, rows))
  }
}

/// ⌈a / b⌉
func ceilingDivide(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }
