import CSegKernels

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
