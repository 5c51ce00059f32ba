import CSegKernels

/// How the gradient of a convolution's weights is summed, and how its work is cut: a matter of shapes and instruction
/// set alone.
///
/// A task has some panels of output channels, some blocks of input channels and, where that makes too few tasks, a slice
/// of the pixels; its sums stay in cache. Two tasks never add to one sum. Unless the pixels are cut, a task also makes
/// gradients of its sums: Winograd's are four times as many, and take longer to write to memory and read again than all
/// their products on the small maps of a single image.
struct WeightGradientPlan {
  /// Everything about the step but its pointers.
  private(set) var step: SKWeightStep
  private let tasks: Int
  /// The floats of a task's sums.
  private var sumCount = 0
  /// By Winograd's tiles, whose images are in channel blocks.
  let isWinograd: Bool
  private let kernels: SKKernels

  /// What a task's sums may take, in floats. They and Winograd's scratch memory live in the third-level cache, from which
  /// they are read in long runs: larger ones, which prepare less and sum longer in registers, were faster than what fits
  /// the second level. A direct task's scratch memory stays in the second level.
  private static let sumsBudget = 160 * 1024, scratchBudget = 40 * 1024
  /// Winograd's tiles at once.
  private static let tilesAtOnce = 72

  init(_ window: Window, _ geometry: SKConvGeometry, x: Shape, weight: Shape, kernels: SKKernels) {
    self.kernels = kernels
    step = SKWeightStep()
    step.map.geometry = geometry
    step.map.batch = Int32(x[0])
    step.map.channels = Int32(x[1])
    step.map.outputs = Int32(weight[0])
    isWinograd =
      window.kernel == 3 && window.stride == 1 && window.dilation.height == window.dilation.width && x[1] >= 8
    let block = Int(kernels.channelBlock())
    let blocks = ceilingDivide(x[1], block), panels = ceilingDivide(weight[0], 2 * block)
    let taps = isWinograd ? 36 : weight[2] * weight[3]
    // Preparing a block of inputs, and two of gradients, costs about as much as some of the products.
    let (prepareX, prepareDy) = isWinograd ? (0.6, 0.8) : (0.2, 0.0)
    var best: (cost: Double, blocks: Int, panels: Int)?
    for b in 1...blocks {
      for p in 1...panels where b == 1 && p == 1 || b * p * taps * block * 2 * block <= WeightGradientPlan.sumsBudget {
        let chunks = ceilingDivide(blocks, b) * ceilingDivide(panels, p)
        let cost = Double(chunks) * (Double(b * p) + prepareX * Double(b) + prepareDy * Double(p))
        if best.map({ cost < $0.cost }) ?? true { best = (cost, b, p) }
      }
    }
    step.regionBlocks = Int32(best!.blocks)
    step.map.regionPanels = Int32(best!.panels)
    let chunks = ceilingDivide(blocks, best!.blocks) * ceilingDivide(panels, best!.panels)
    // At least four tasks, and an even number of them unless there are many.
    let slices = (1...4).first { chunks * $0 >= 4 && (chunks * $0 % 2 == 0 || chunks * $0 > 8) }!
    step.slices = Int32(slices)
    tasks = chunks * slices
    if isWinograd { planTiles() } else { planRegions() }
    sumCount = isWinograd ? kernels.weightGradientWinogradSums(&step) : kernels.weightGradientDirectSums(&step)
  }

  private mutating func planTiles() {
    step.map.tiles = Int32(ConvolutionPlan.tileCount(step.map, side: 4))
    step.map.regionColumns = min(
      Int32(WeightGradientPlan.tilesAtOnce), Int32(ceilingDivide(Int(step.map.tiles), Int(step.slices))))
  }

  private mutating func planRegions() {
    let g = step.map.geometry
    if g.isPointwise {
      // Rows mean nothing to a 1×1 kernel: one long row.
      step.map.geometry.width = g.width * g.height
      step.map.geometry.outputWidth = step.map.geometry.width
      (step.map.geometry.height, step.map.geometry.outputHeight) = (1, 1)
    }
    (step.map.regionRows, step.map.regionColumns) = (1, min(step.map.geometry.outputWidth, 256))
    func fits() -> Bool { kernels.weightGradientDirectScratch(&step) <= WeightGradientPlan.scratchBudget }
    while !fits(), step.map.regionColumns > 16 { step.map.regionColumns = (step.map.regionColumns + 1) / 2 }
    while step.map.regionRows < min(step.map.geometry.outputHeight, 16) {
      step.map.regionRows += 1
      if fits() { continue }
      step.map.regionRows -= 1
      break
    }
  }

  /// Runs a step whose pointers are set.
  func gradient(_ step: inout SKWeightStep, _ shape: Shape) -> Tensor {
    let scratch =
      isWinograd ? kernels.weightGradientWinogradScratch(&step) : kernels.weightGradientDirectScratch(&step)
    let sum = isWinograd ? kernels.weightGradientWinograd! : kernels.weightGradientDirect!
    let collect = isWinograd ? kernels.collectWinograd! : kernels.collectDirect!
    let block = Int(kernels.channelBlock())
    let blocks = ceilingDivide(Int(step.map.channels), block)
    let panels = ceilingDivide(Int(step.map.outputs), 2 * block)
    guard step.slices > 1 else {
      let step = step
      return Tensor(uninitialized: shape) { dw in
        let dw = dw.baseAddress!
        parallelFor(tasks) { task in
          withWorkspace(sumCount + scratch) { memory in
            var own = step
            (own.sums, own.taskSums) = (memory, 0)
            sum(&own, Int32(task), memory + sumCount)
            forEachPart(of: task, blocks: blocks, panels: panels) { collect(&own, Int32($0), dw) }
          }
        }
      }
    }
    let sums = Storage(count: tasks * sumCount)
    (step.sums, step.taskSums) = (sums.base, sumCount)
    return withUnsafePointer(to: step) { step in
      parallelFor(tasks) { task in withWorkspace(scratch) { sum(step, Int32(task), $0) } }
      return Tensor(uninitialized: shape) { dw in
        let dw = dw.baseAddress!
        parallelFor(blocks * panels) { collect(step, Int32($0), dw) }
        withExtendedLifetime(sums) {}
      }
    }
  }

  /// The parts of the weights, a panel and a block of input channels each, of a task that has all pixels.
  private func forEachPart(of task: Int, blocks: Int, panels: Int, _ body: (Int) -> Void) {
    let ownPanels = Int(step.map.regionPanels), ownBlocks = Int(step.regionBlocks)
    let (down, across) = task.quotientAndRemainder(dividingBy: ceilingDivide(panels, ownPanels))
    for panel in (across * ownPanels)..<min((across + 1) * ownPanels, panels) {
      for block in (down * ownBlocks)..<min((down + 1) * ownBlocks, blocks) { body(panel * blocks + block) }
    }
  }
}
