import CSegKernels

// Convolution by columns: panels of output pixels are gathered as a matrix and multiplied by BLAS. The way of every
// shape, and the oracle of the blocked kernels.
extension Conv2dOperation {
  /// y = W · Columns + bias: a task owns a panel of pixels of one image.
  func convolved(_ x: Tensor, _ weight: Tensor, bias: Tensor?) -> Tensor {
    let plan = Plan(self, x.shape, weight.shape)
    let kernels = kernels
    return Tensor(uninitialized: outputShapes([x.shape, weight.shape])[0]) { y in
      guard let y = y.baseAddress else { return }
      let (image, w) = (x.pointer(for: name), weight.pointer(for: name))
      let biases = bias.map { $0.pointer(for: name) }
      let width = plan.panelWidth
      let panels = (plan.area + width - 1) / width
      parallelFor(plan.batch * groups * panels) { task in
        let (place, panel) = task.quotientAndRemainder(dividingBy: panels)
        let (n, group) = place.quotientAndRemainder(dividingBy: groups)
        let first = panel * width, last = min(first + width, plan.area)
        let source = image + (n * groups + group) * plan.channels * plan.imageArea
        let target = y + (n * groups + group) * plan.outputs * plan.area + first
        let rows = w + group * plan.outputs * plan.depth
        if let biases {
          for o in 0..<plan.outputs {
            (target + o * plan.area).update(repeating: biases[group * plan.outputs + o], count: last - first)
          }
        }
        plan.withColumns(source, kernels, channels: plan.channels, first, last) { columns, stride in
          BLAS.multiply(
            m: plan.outputs, n: last - first, k: plan.depth, .init(rows, rowStride: plan.depth),
            .init(columns, rowStride: stride), into: target, rowStride: plan.area, beta: biases == nil ? 0 : 1)
        }
      }
      withExtendedLifetime((x, weight, bias)) {}
    }
  }

  /// dColumns = Wᵀ · dY, scattered back: a task owns some channels of one image, so no two add to one pixel.
  func dataGradient(_ dy: Tensor, _ weight: Tensor, _ shape: Shape) -> Tensor {
    let plan = Plan(self, shape, weight.shape)
    let kernels = kernels
    return Tensor(uninitialized: shape) { dx in
      guard let dx = dx.baseAddress else { return }
      let (d, w) = (dy.pointer(for: name), weight.pointer(for: name))
      let blocks = plan.channelBlocks
      parallelFor(plan.batch * groups * blocks) { task in
        let (place, block) = task.quotientAndRemainder(dividingBy: blocks)
        let group = place % groups
        let channels = plan.channelRange(block)
        let target = dx + (place * plan.channels + channels.lowerBound) * plan.imageArea
        let columnRows = channels.count * plan.kernelArea
        let rows = w + group * plan.outputs * plan.depth + channels.lowerBound * plan.kernelArea
        let source = d + place * plan.outputs * plan.area
        if plan.isPointwise {
          return BLAS.multiply(
            m: columnRows, n: plan.area, k: plan.outputs, .init(rows, rowStride: plan.depth, transposed: true),
            .init(source, rowStride: plan.area), into: target, rowStride: plan.area)
        }
        target.update(repeating: 0, count: channels.count * plan.imageArea)
        plan.forEachPanel(rows: columnRows) { first, last in
          withWorkspace(columnRows * (last - first)) { columns in
            BLAS.multiply(
              m: columnRows, n: last - first, k: plan.outputs, .init(rows, rowStride: plan.depth, transposed: true),
              .init(source + first, rowStride: plan.area), into: columns, rowStride: last - first)
            withUnsafePointer(to: plan.geometry) {
              kernels.scatterColumns(columns, $0, Int32(channels.count), first, last, target)
            }
          }
        }
      }
      withExtendedLifetime((dy, weight)) {}
    }
  }

  /// dW = Σ dY · Columnsᵀ: a task owns some input channels and walks all images, so nothing is summed across tasks.
  func weightGradient(_ dy: Tensor, _ x: Tensor, _ shape: Shape) -> Tensor {
    let plan = Plan(self, x.shape, shape)
    let kernels = kernels
    return Tensor(uninitialized: shape) { dw in
      guard let dw = dw.baseAddress else { return }
      let (d, image) = (dy.pointer(for: name), x.pointer(for: name))
      let blocks = plan.channelBlocks
      parallelFor(groups * blocks) { task in
        let (group, block) = task.quotientAndRemainder(dividingBy: blocks)
        let channels = plan.channelRange(block)
        let columnRows = channels.count * plan.kernelArea
        let target = dw + group * plan.outputs * plan.depth + channels.lowerBound * plan.kernelArea
        if plan.batch == 0 {
          for o in 0..<plan.outputs { (target + o * plan.depth).update(repeating: 0, count: columnRows) }
        }
        for n in 0..<plan.batch {
          let place = n * groups + group
          let source = image + (place * plan.channels + channels.lowerBound) * plan.imageArea
          plan.forEachPanel(rows: columnRows) { first, last in
            plan.withColumns(source, kernels, channels: channels.count, first, last) { columns, stride in
              BLAS.multiply(
                m: plan.outputs, n: columnRows, k: last - first,
                .init(d + place * plan.outputs * plan.area + first, rowStride: plan.area),
                .init(columns, rowStride: stride, transposed: true), into: target, rowStride: plan.depth,
                beta: n == 0 && first == 0 ? 0 : 1)
            }
          }
        }
      }
      withExtendedLifetime((dy, x)) {}
    }
  }
}

extension Conv2dOperation {
  /// The numbers of one convolution, a group at a time, and how its work is cut. All of it follows from the shape.
  struct Plan {
    let batch: Int
    /// Input and output channels of a group.
    let channels: Int, outputs: Int
    /// Pixels of an input and of an output plane, and of the kernel.
    let imageArea: Int, area: Int, kernelArea: Int
    /// Rows of the column matrix: channels × kernel pixels.
    var depth: Int { channels * kernelArea }
    /// 1×1 without stride or padding: the image is its own column matrix.
    let isPointwise: Bool
    let geometry: SKConvGeometry
    /// Output pixels of a panel.
    let panelWidth: Int

    /// What a panel of columns may take of a core's second-level cache, in floats.
    private static let panelBudget = 192 * 1024

    init(_ operation: Conv2dOperation, _ x: Shape, _ weight: Shape) {
      let window = operation.window
      geometry = window.geometry(x, for: operation.name)
      batch = x[0]
      channels = x[1] / operation.groups
      outputs = weight[0] / operation.groups
      imageArea = x[2] * x[3]
      area = Int(geometry.outputHeight) * Int(geometry.outputWidth)
      kernelArea = window.kernel.height * window.kernel.width
      isPointwise = kernelArea == 1 && window.stride == 1 && window.padding == 0
      // Enough panels to share out even when the image is small, each a multiple of a vector wide.
      let fitting = Plan.width(rows: channels * kernelArea, area: area)
      let shared = (area * max(batch * operation.groups, 1) + 3) / 4
      panelWidth = max(16, min(fitting, (shared + 15) / 16 * 16))
    }

    private static func width(rows: Int, area: Int) -> Int {
      min(max(128, panelBudget / max(rows, 1) / 16 * 16), (area + 15) / 16 * 16)
    }

    /// Calls `body` with the bounds of panels whose columns of `rows` rows fit the cache.
    func forEachPanel(rows: Int, _ body: (_ first: Int, _ last: Int) -> Void) {
      let width = Plan.width(rows: rows, area: area)
      for first in stride(from: 0, to: area, by: width) { body(first, min(first + width, area)) }
    }

    /// Calls `body` with the columns of output pixels `first..<last` and their row stride.
    func withColumns(
      _ image: UnsafePointer<Float>, _ kernels: SKKernels, channels: Int, _ first: Int, _ last: Int,
      _ body: (UnsafePointer<Float>, Int) -> Void
    ) {
      if isPointwise { return body(image + first, imageArea) }
      withWorkspace(channels * kernelArea * (last - first)) { columns in
        withUnsafePointer(to: geometry) {
          kernels.gatherColumns(image, $0, Int32(channels), first, last, columns)
        }
        body(columns, last - first)
      }
    }

    /// Input channels of a block of the backward passes: at least four blocks where there are channels enough.
    private var blockChannels: Int { min(32, max(1, (channels / 4 + 7) / 8 * 8)) }

    var channelBlocks: Int { (channels + blockChannels - 1) / blockChannels }

    func channelRange(_ block: Int) -> Range<Int> {
      (block * blockChannels)..<min((block + 1) * blockChannels, channels)
    }
  }
}
