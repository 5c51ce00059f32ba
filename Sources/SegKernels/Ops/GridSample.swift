import CSegKernels

/// What `gridSample` reads outside the image.
public enum SampleEdge: String, Sendable, Hashable, Codable {
  /// Zeros.
  case zeros
  /// The nearest pixel of the edge.
  case border
  /// The image mirrored at its edge: at the centres of the outermost pixels if corners are aligned, else at their outer
  /// sides.
  case reflection
}

/// Images sampled at given places; semantics as PyTorch's `grid_sample`.
///
/// - Parameters:
///   - x: N×C×H×W.
///   - grid: N×h×w×2, the column (first) and row of each sample in −1…1.
///   - interpolation: nearest or bilinear.
///   - edge: what lies beside the image.
///   - alignCorners: −1 and 1 are the centres of the outermost pixels; otherwise their outer sides.
/// - Returns: N×C×h×w. Bilinear sampling has a gradient with respect to the grid as well.
public func gridSample(
  _ x: Tensor, grid: Tensor, _ interpolation: Interpolation = .bilinear, edge: SampleEdge = .zeros,
  alignCorners: Bool = false
) -> Tensor {
  apply(GridSampleOperation(interpolation: interpolation, edge: edge, alignCorners: alignCorners), to: x, grid)
}

/// Where n×h×w samples read is found once for all channels. Images of many channels are sampled in channel blocks, in which
/// a sample is a few vectors wherever it lies; those of few in planes.
struct GridSampleOperation: BlockedOperation {
  let interpolation: Interpolation
  let edge: SampleEdge
  let alignCorners: Bool

  let name = "gridSample"
  var attributes: [(name: String, value: Attribute)] {
    [
      ("interpolation", .text(interpolation.rawValue)), ("edge", .text(edge.rawValue)),
      ("alignCorners", .flag(alignCorners)),
    ]
  }

  private var isNearest: Int32 { interpolation == .nearest ? 1 : 0 }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (x, grid) = (inputs[0], inputs[1])
    check(
      x.rank == 4 && grid.rank == 4 && grid[0] == x[0] && grid[3] == 2 && x[2] > 0 && x[3] > 0, name,
      "expected N×C×H×W and N×h×w×2, found \(x) and \(grid)")
    return [[x[0], x[1], grid[1], grid[2]]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 8 * outputShapes(inputs)[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let grid = inputs[1].rowMajor(), given = inputs[0].layout, kernels = kernels
    let planes = Planes(inputs[0]), x = inputs[0].inLayout(planes.layout)
    if context.isRecording { context.saved = [context.needsGradient[1] ? x : Tensor(0), grid] }
    let shape = outputShapes([x.shape, grid.shape])[0]
    let (area, count) = (x.shape[2] * x.shape[3] * planes.lanes, shape[2] * shape[3])
    var y = Tensor(uninitialized: shape, layout: planes.layout)
    let (p, target, grain) = (x.pointer(for: name), y.exclusivePointer(), 1 << 12)
    let kernel = planes.lanes == 1 ? kernels.samplePlane! : kernels.sampleBlocks!
    taps(grid, x.shape).withUnsafeBufferPointer { taps in
      guard let taps = taps.baseAddress else { return }
      let runs = ceilingDivide(count, grain)
      parallelFor(shape[0] * planes.perImage * runs) { task in
        let (plane, run) = task.quotientAndRemainder(dividingBy: runs), first = run * grain
        kernel(
          taps + plane / planes.perImage * count + first, isNearest, p + plane * area,
          target + (plane * count + first) * planes.lanes, min(grain, count - first))
      }
    }
    withExtendedLifetime(x) {}
    return [y.inLayout(given)]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let shape = context.inputShapes[0], grid = context.saved[1], given = gradients[0]!.layout, kernels = kernels
    let planes = Planes(gradients[0]!), dy = gradients[0]!.inLayout(planes.layout)
    let (area, count) = (shape[2] * shape[3] * planes.lanes, dy.shape[2] * dy.shape[3])
    let taps = taps(grid, shape)
    let d = dy.pointer(for: name)
    defer { withExtendedLifetime(dy) {} }
    return taps.withUnsafeBufferPointer { taps in
      func imageGradient() -> Tensor {
        var dx = Tensor(uninitialized: shape, layout: planes.layout)
        let target = dx.exclusivePointer()
        let kernel = planes.lanes == 1 ? kernels.samplePlaneGradient! : kernels.sampleBlocksGradient!
        parallelFor(shape[0] * planes.perImage) { plane in
          (target + plane * area).update(repeating: 0, count: area)
          guard let taps = taps.baseAddress else { return }
          kernel(
            taps + plane / planes.perImage * count, isNearest, d + plane * count * planes.lanes, target + plane * area,
            count)
        }
        return dx.inLayout(given)
      }
      return [
        context.needsGradient[0] ? imageGradient() : nil,
        context.needsGradient[1] ? gridGradient(taps, context.saved[0], dy, planes, grid.shape) : nil,
      ]
    }
  }

  /// The gradient of the grid: of each sample, summed over the channels.
  private func gridGradient(
    _ taps: UnsafeBufferPointer<SKGridTap>, _ x: Tensor, _ dy: Tensor, _ planes: Planes, _ shape: Shape
  ) -> Tensor {
    guard interpolation == .bilinear, let taps = taps.baseAddress else { return .zeros(shape) }
    let x = x.inLayout(planes.layout), kernels = kernels
    let (area, count) = (x.shape[2] * x.shape[3] * planes.lanes, dy.shape[2] * dy.shape[3])
    let kernel = planes.lanes == 1 ? kernels.samplePlaneSlopes! : kernels.sampleBlocksSlopes!
    return Tensor(uninitialized: shape) { dGrid in
      let dGrid = dGrid.baseAddress!, (p, d) = (x.pointer(for: name), dy.pointer(for: name)), grain = 1 << 10
      let runs = ceilingDivide(count, grain)
      parallelFor(shape[0] * runs) { task in
        let (image, run) = task.quotientAndRemainder(dividingBy: runs), first = run * grain
        let sample = image * count + first, plane = image * planes.perImage
        kernel(
          taps + sample, p + plane * area, area, d + (plane * count + first) * planes.lanes, count * planes.lanes,
          Int32(planes.perImage), dGrid + 2 * sample, min(grain, count - first))
      }
      withExtendedLifetime((x, dy)) {}
    }
  }

  /// Where every sample reads.
  private func taps(_ grid: Tensor, _ shape: Shape) -> [SKGridTap] {
    let kernels = kernels, count = grid.count / 2
    let edge: Int =
      switch edge {
      case .zeros: Int(SK_EDGE_ZEROS)
      case .border: Int(SK_EDGE_BORDER)
      case .reflection: Int(SK_EDGE_REFLECTION)
      }
    let rule = SKGrid(
      height: Int32(shape[2]), width: Int32(shape[3]), edge: Int32(edge), isNearest: isNearest,
      alignCorners: alignCorners ? 1 : 0)
    return [SKGridTap](unsafeUninitializedCapacity: count) { taps, initialized in
      initialized = count
      guard let taps = taps.baseAddress, count > 0 else { return }
      let grid = (tensor: grid, pointer: grid.pointer(for: name))
      parallelRuns(count, grain: 1 << 11) { run in
        withUnsafePointer(to: rule) {
          kernels.gridTaps($0, grid.pointer + 2 * run.lowerBound, taps + run.lowerBound, run.count)
        }
      }
      withExtendedLifetime(grid) {}
    }
  }
}

/// In what pieces the channels of an image are sampled: blocks of them, or planes where there are too few.
private struct Planes {
  let layout: Layout
  /// Channels of a piece, and pieces of an image.
  let lanes: Int, perImage: Int

  init(_ x: Tensor) {
    let block = Int(kernels.channelBlock()), channels = x.shape[1]
    let isBlocked = x.layout != .rowMajor || 2 * channels >= block
    layout = isBlocked ? .channelBlocked(block) : .rowMajor
    lanes = isBlocked ? block : 1
    perImage = ceilingDivide(channels, lanes)
  }
}
