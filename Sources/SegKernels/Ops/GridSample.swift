import Glibc

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
///   - alignCorners: −1 and 1 are the centres of the outermost pixels; otherwise their outer sides.
/// - Returns: N×C×h×w. Bilinear sampling has a gradient with respect to the grid as well.
public func gridSample(
  _ x: Tensor, grid: Tensor, _ interpolation: Interpolation = .bilinear, edge: SampleEdge = .zeros,
  alignCorners: Bool = false
) -> Tensor {
  apply(GridSampleOperation(interpolation: interpolation, edge: edge, alignCorners: alignCorners), to: x, grid)
}

struct GridSampleOperation: TensorOperation {
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

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (x, grid) = (inputs[0], inputs[1])
    check(
      x.rank == 4 && grid.rank == 4 && grid[0] == x[0] && grid[3] == 2 && x[2] > 0 && x[3] > 0, name,
      "expected N×C×H×W and N×h×w×2, found \(x) and \(grid)")
    return [[x[0], x[1], grid[1], grid[2]]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 8 * outputShapes(inputs)[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs }
    let (x, grid) = (inputs[0], inputs[1])
    let shape = outputShapes([x.shape, grid.shape])[0]
    let (area, count) = (x.shape[2] * x.shape[3], shape[2] * shape[3])
    let taps = taps(grid, x.shape)
    return [
      Tensor(uninitialized: shape) { y in
        guard let y = y.baseAddress else { return }
        let p = x.pointer(for: name)
        parallelFor(shape[0] * shape[1]) { plane in
          let source = p + plane * area, target = y + plane * count, first = plane / shape[1] * count
          for i in 0..<count { target[i] = taps[first + i].sample(source) }
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!.rowMajor(), x = context.saved[0], grid = context.saved[1]
    let (channels, area, count) = (x.shape[1], x.shape[2] * x.shape[3], dy.shape[2] * dy.shape[3])
    let taps = taps(grid, x.shape)
    let (p, d) = (x.pointer(for: name), dy.pointer(for: name))
    defer { withExtendedLifetime((x, dy)) {} }
    // A plane of the image is one task's own; so is a sample of the grid.
    let dx = Tensor(uninitialized: x.shape) { dx in
      guard let dx = dx.baseAddress else { return }
      parallelFor(x.shape[0] * channels) { plane in
        let target = dx + plane * area, first = plane / channels * count
        target.update(repeating: 0, count: area)
        for i in 0..<count { taps[first + i].scatter(d[plane * count + i], into: target) }
      }
    }
    guard context.needsGradient[1] else { return [dx, nil] }
    let dGrid = Tensor(uninitialized: grid.shape) { dGrid in
      guard let dGrid = dGrid.baseAddress else { return }
      parallelRuns(x.shape[0] * count, grain: 1024) { run in
        for sample in run {
          let (image, i) = sample.quotientAndRemainder(dividingBy: count)
          var (column, row) = (0.0, 0.0)
          if interpolation == .bilinear {
            for plane in (image * channels)..<((image + 1) * channels) {
              let slope = taps[sample].slope(p + plane * area)
              column += Double(slope.column * d[plane * count + i])
              row += Double(slope.row * d[plane * count + i])
            }
          }
          dGrid[2 * sample] = Float(column)
          dGrid[2 * sample + 1] = Float(row)
        }
      }
    }
    return [dx, dGrid]
  }

  /// Where every sample reads.
  private func taps(_ grid: Tensor, _ shape: Shape) -> [GridTap] {
    let (height, width) = (shape[2], shape[3])
    return grid.withUnsafeBufferPointer { grid in
      (0..<(grid.count / 2)).map { sample in
        let (x, slopeX) = place(grid[2 * sample], width), (y, slopeY) = place(grid[2 * sample + 1], height)
        return interpolation == .nearest
          ? GridTap(nearestTo: (x, y), width: width, height: height)
          : GridTap(around: (x, y), slopes: (slopeX, slopeY), width: width, height: height)
      }
    }
  }

  /// A coordinate in pixels, edge rule applied, and its derivative.
  private func place(_ coordinate: Float, _ extent: Int) -> (Float, slope: Float) {
    let last = Float(extent - 1)
    var slope = alignCorners ? last / 2 : Float(extent) / 2
    var place = alignCorners ? (coordinate + 1) / 2 * last : ((coordinate + 1) * Float(extent) - 1) / 2
    if edge == .reflection {
      let low: Float = alignCorners ? 0 : -0.5, span = alignCorners ? last : Float(extent)
      if span == 0 { return (0, 0) }
      if place < low { slope = -slope }
      let distance = abs(place - low), flips = floor(distance / span)
      let rest = distance - flips * span
      let isForward = flips.truncatingRemainder(dividingBy: 2) == 0
      place = isForward ? rest + low : span - rest + low
      if !isForward { slope = -slope }
    }
    if edge != .zeros, place <= 0 || place >= last {
      // Held at the edge: moving the sample changes nothing.
      return (min(max(place, 0), last), 0)
    }
    return (place, slope)
  }
}

/// The pixels that one sample is made of: up to four, with −1 for those outside.
private struct GridTap {
  private let topLeft: Int, topRight: Int, bottomLeft: Int, bottomRight: Int
  /// How far the sample is from left to right and from top to bottom.
  private let u: Float, v: Float
  /// How fast that changes with the grid's coordinates.
  private let slopeX: Float, slopeY: Float

  init(around place: (x: Float, y: Float), slopes: (Float, Float), width: Int, height: Int) {
    let (left, top) = (place.x.rounded(.down), place.y.rounded(.down))
    func index(_ column: Float, _ row: Float) -> Int {
      let isInside = column >= 0 && column < Float(width) && row >= 0 && row < Float(height)
      return isInside ? Int(row) * width + Int(column) : -1
    }
    topLeft = index(left, top)
    topRight = index(left + 1, top)
    bottomLeft = index(left, top + 1)
    bottomRight = index(left + 1, top + 1)
    (u, v) = (place.x - left, place.y - top)
    (slopeX, slopeY) = slopes
  }

  init(nearestTo place: (x: Float, y: Float), width: Int, height: Int) {
    // Halves go to the even neighbour, as in PyTorch.
    let nearest = (x: place.x.rounded(.toNearestOrEven), y: place.y.rounded(.toNearestOrEven))
    self.init(around: nearest, slopes: (0, 0), width: width, height: height)
  }

  @inline(__always)
  func sample(_ x: UnsafePointer<Float>) -> Float {
    func pixel(_ index: Int) -> Float { index < 0 ? 0 : x[index] }
    let top = (1 - u) * pixel(topLeft) + u * pixel(topRight)
    return (1 - v) * top + v * ((1 - u) * pixel(bottomLeft) + u * pixel(bottomRight))
  }

  @inline(__always)
  func scatter(_ d: Float, into dx: UnsafeMutablePointer<Float>) {
    if topLeft >= 0 { dx[topLeft] += (1 - u) * (1 - v) * d }
    if topRight >= 0 { dx[topRight] += u * (1 - v) * d }
    if bottomLeft >= 0 { dx[bottomLeft] += (1 - u) * v * d }
    if bottomRight >= 0 { dx[bottomRight] += u * v * d }
  }

  @inline(__always)
  func slope(_ x: UnsafePointer<Float>) -> (column: Float, row: Float) {
    func pixel(_ index: Int) -> Float { index < 0 ? 0 : x[index] }
    let across = (1 - v) * (pixel(topRight) - pixel(topLeft)) + v * (pixel(bottomRight) - pixel(bottomLeft))
    let down = (1 - u) * (pixel(bottomLeft) - pixel(topLeft)) + u * (pixel(bottomRight) - pixel(topRight))
    return (across * slopeX, down * slopeY)
  }
}
