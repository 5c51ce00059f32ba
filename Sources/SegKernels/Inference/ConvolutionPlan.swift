import CSegKernels

/// How a compiled network convolves.
package enum ConvolutionAlgorithm: String, Sendable, Hashable, CaseIterable {
  /// Register tiles of output pixels × output channels, straight from the definition: every kernel, stride and dilation.
  case direct
  /// One channel at a time: as many groups as channels.
  case depthwise
  /// F(2×2, 3×3): 4/9 of the multiplications, for 3×3 kernels at stride 1.
  case winograd2
  /// F(4×4, 3×3): a quarter of the multiplications, of weights that are four times as large.
  case winograd4

  /// The side of Winograd's output tiles.
  var tileSide: Int? {
    switch self {
    case .direct, .depthwise: nil
    case .winograd2: 2
    case .winograd4: 4
    }
  }
}

/// How one convolution is done and how its work is cut. All of it follows from shape and instruction set, so that results
/// do not depend on threads or timing.
struct ConvolutionPlan {
  private(set) var algorithm: ConvolutionAlgorithm
  /// The convolution's own; a step may look at it otherwise.
  let geometry: SKConvGeometry
  /// Everything about the step but its pointers.
  var step: SKMapStep
  /// F(4×4): the weights are kept as direct convolution takes them, and transformed at each run.
  private(set) var transformsWeights = false

  /// What a direct convolution's scratch memory may take of a core's second-level cache, in floats: 256 KiB.
  private static let scratchBudget = 64 * 1024
  /// Winograd's tiles of a task: fewer read the weights more often, more leave the second-level cache. Weights that fit
  /// no cache (`weightBytes`, transformed) decide it.
  private static func tilesOfTask(weightBytes: Int) -> (least: Int, most: Int) {
    weightBytes > 32 << 20 ? (144, 144) : (24, 48)
  }

  /// - Parameters:
  ///   - geometry: the convolution's numbers, where its border is not the same on all sides.
  ///   - forced: the algorithm, where it can do this convolution: for tests and measurements.
  /// - Returns: nil where no blocked kernel does this.
  init?(
    _ convolution: Conv2dOperation, x: Shape, weight: Shape, geometry: SKConvGeometry? = nil, kernels: SKKernels,
    forced: ConvolutionAlgorithm? = nil
  ) {
    let isDepthwise = convolution.groups > 1 && weight[0] == x[1] && weight[1] == 1
    guard convolution.groups == 1 || isDepthwise, weight[2] * weight[3] <= Int(SK_MAX_TAPS), x.elementCount > 0 else {
      return nil
    }
    let geometry = geometry ?? convolution.window.geometry(x, for: convolution.name)
    guard isDepthwise else {
      self.init(geometry, batch: x[0], channels: x[1], outputs: weight[0], kernels: kernels, forced: forced)
      return
    }
    self.init(geometry, batch: x[0], channels: x[1], outputs: weight[0], .depthwise)
    planRows(kernels)
  }

  /// A convolution of one group, whose kernel has at most `SK_MAX_TAPS` pixels.
  init(
    _ geometry: SKConvGeometry, batch: Int, channels: Int, outputs: Int, kernels: SKKernels,
    forced: ConvolutionAlgorithm? = nil
  ) {
    self.init(geometry, batch: batch, channels: channels, outputs: outputs, .direct)
    algorithm = ConvolutionPlan.choose(step, forced)
    if let side = algorithm.tileSide { planWinograd(kernels, side) } else { planDirect(kernels) }
  }

  private init(_ geometry: SKConvGeometry, batch: Int, channels: Int, outputs: Int, _ algorithm: ConvolutionAlgorithm) {
    self.geometry = geometry
    self.algorithm = algorithm
    step = SKMapStep()
    step.geometry = geometry
    step.batch = Int32(batch)
    step.channels = Int32(channels)
    step.outputs = Int32(outputs)
  }

  /// The fastest, as measured on AVX2 with weights that are in no cache (see Documentation/Inference.md).
  private static func choose(_ step: SKMapStep, _ forced: ConvolutionAlgorithm?) -> ConvolutionAlgorithm {
    let g = step.geometry
    guard g.kernelHeight == 3, g.kernelWidth == 3, g.strideHeight == 1, g.strideWidth == 1,
      g.dilationHeight == g.dilationWidth, forced != .direct
    else { return .direct }
    if let forced, forced.tileSide != nil { return forced }
    // A block of channels at least: beyond, direct convolution skips what Winograd cannot.
    guard step.channels >= 8, step.outputs >= 8 else { return .direct }
    // On small maps reading the weights takes longer than multiplying: F(2×2) has less than half of them.
    let side = tileCount(step, side: 4) < 12 ? 2 : 4, points = (side + 2) * (side + 2)
    // Atrous convolutions whose dilation nears the map's size have tiles that are mostly empty, and kernels that mostly
    // lie beside the image.
    let isShorter = tileCount(step, side: side) * points < directProducts(step)
    return isShorter ? (side == 2 ? .winograd2 : .winograd4) : .direct
  }

  /// The products of a direct convolution at stride 1 for one channel and one output: of each output pixel, the kernel's
  /// pixels that lie in the image.
  private static func directProducts(_ step: SKMapStep) -> Int {
    let g = step.geometry
    func along(_ extent: Int32, _ outputs: Int32, _ kernel: Int32, _ dilation: Int32, _ padding: Int32) -> Int {
      (0..<kernel).reduce(0) { sum, tap in
        let first = tap * dilation - padding
        return sum + Int(max(0, min(outputs, extent - first) - max(0, -first)))
      }
    }
    return Int(step.batch) * along(g.height, g.outputHeight, g.kernelHeight, g.dilationHeight, g.paddingHeight)
      * along(g.width, g.outputWidth, g.kernelWidth, g.dilationWidth, g.paddingWidth)
  }

  /// Dilation d makes d² interleaved images of one.
  static func tileCount(_ step: SKMapStep, side: Int) -> Int {
    let g = step.geometry, dilation = Int(g.dilationWidth)
    func along(_ extent: Int32) -> Int { ceilingDivide(ceilingDivide(Int(extent), dilation), side) }
    return Int(step.batch) * dilation * dilation * along(g.outputHeight) * along(g.outputWidth)
  }

  /// How many panels of output channels a task makes, where a region of pixels has `panels` of them.
  ///
  /// Every task of a region prepares its input anew, which takes about 0.4 of a panel's products, while tasks too few or
  /// of an odd number leave threads idle. The split is the best one for two and four threads together: a matter of the
  /// shape alone. `cost` is the time that all threads take, in products of one panel with one region.
  private static func split(panels: Int, regions: Int) -> (share: Int, cost: Double) {
    func cost(_ share: Int) -> Double {
      let tasks = regions * ceilingDivide(panels, share)
      return [2, 4].reduce(0) { $0 + Double($1 * ceilingDivide(tasks, $1)) * (Double(share) + 0.4) }
    }
    let share = (1...panels).reversed().min { cost($0) < cost($1) }!
    return (share, cost(share))
  }

  /// The order in which the weights are kept.
  var weightForm: PackedWeights.Form {
    switch algorithm {
    case .direct: .direct
    case .depthwise: .depthwise
    case .winograd2, .winograd4: transformsWeights ? .direct : .winograd(side: algorithm.tileSide!)
    }
  }

  /// Panels of two blocks of output channels.
  private func panels(_ kernels: SKKernels) -> Int { ceilingDivide(Int(step.outputs), 2 * Int(kernels.channelBlock())) }

  private mutating func cut(_ kernels: SKKernels, regions: Int) {
    let panels = panels(kernels), share = ConvolutionPlan.split(panels: panels, regions: regions).share
    step.regionPanels = Int32(share)
    step.tasks = Int32(regions * ceilingDivide(panels, share))
  }

  private mutating func planRows(_ kernels: SKKernels) {
    step.planRows(block: Int(kernels.channelBlock()))
    step.run = kernels.convolveDepthwise
  }

  private mutating func planDirect(_ kernels: SKKernels) {
    step.run = kernels.convolveDirect
    let g = step.geometry
    if g.isPointwise {
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
    let mostRows = max(1, height * Int(step.batch) * across / 16)
    while Int(step.regionRows) < min(height, mostRows, 16) {
      step.regionRows += 1
      guard Int(kernels.directScratch(&step)) > ConvolutionPlan.scratchBudget else { continue }
      step.regionRows -= 1
      break
    }
    cut(kernels, regions: Int(step.batch) * across * ceilingDivide(height, Int(step.regionRows)))
  }

  private mutating func planWinograd(_ kernels: SKKernels, _ side: Int) {
    step.run = side == 4 ? kernels.convolveWinograd4 : kernels.convolveWinograd2
    let pixels = Int(kernels.tilePixels())
    let tiles = ConvolutionPlan.tileCount(step, side: side)
    step.tiles = Int32(tiles)
    // Transformed, these weights take four times the memory of the others. Transforming them at each run costs nothing
    // where the map is large, since the products then find them in a cache; they may cost some time before they cost
    // more than 8 MiB a layer.
    let bytes = kernels.winogradWeights(&step, Int32(side)) * MemoryLayout<Float>.stride
    transformsWeights = side == 4 && (tiles >= 128 || (tiles >= 32 && bytes > 8 << 20))
    let all = ceilingDivide(tiles, pixels) * pixels, panels = panels(kernels)
    // Reading the weights costs a region as much as about two tiles do.
    func cost(_ size: Int) -> Double {
      ConvolutionPlan.split(panels: panels, regions: ceilingDivide(tiles, size)).cost * Double(size + 2)
    }
    let (least, most) = ConvolutionPlan.tilesOfTask(weightBytes: bytes)
    let sizes = all <= least ? [all] : Array(stride(from: least, through: min(all, most), by: pixels))
    let size = sizes.min { cost($0) < cost($1) }!
    step.regionColumns = Int32(size)
    cut(kernels, regions: ceilingDivide(tiles, size))
  }

  /// Winograd with so few tiles that a task has all of them, and reads weights that no other one does.
  var isOneRegion: Bool { algorithm.tileSide != nil && step.tiles <= step.regionColumns }

  /// The floats of scratch memory that a thread needs.
  func scratchCount(_ kernels: SKKernels) -> Int {
    var step = self.step
    if algorithm == .depthwise { return 0 }
    return algorithm.tileSide.map { kernels.winogradScratch(&step, Int32($0)) } ?? kernels.directScratch(&step)
  }
}

extension SKConvGeometry {
  /// 1×1 without stride or padding, on any side: pixel by pixel.
  var isPointwise: Bool {
    kernelHeight * kernelWidth == 1 && strideHeight == 1 && strideWidth == 1 && paddingHeight == 0 && paddingWidth == 0
      && outputHeight == height && outputWidth == width
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
