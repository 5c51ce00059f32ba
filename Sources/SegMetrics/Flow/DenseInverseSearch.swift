import SegImages
import SegKernels

/// Optical flow by dense inverse search (DIS): patches of one frame look for their place in the other, coarse to fine.
///
/// On every level of an image pyramid, patches on a regular grid start from the coarser level's flow (or that of a
/// neighbouring patch, where that matches better) and descend on the squared difference of mean-free patches by the
/// inverse compositional method: gradient and Hessian are those of the first frame's patch, computed once. Every pixel
/// then takes the mean of the displacements of the patches that cover it, each weighted by 1 / max(1, |difference|)
/// at the pixel, and a few steps of variational refinement smooth the field along, not across, what the frames show
/// (see ``FlowRefinement``).
///
/// Kroeger, Timofte, Dai and Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016.
public struct DenseInverseSearch: Sendable, Hashable {
  /// Rows and columns of a patch.
  public var patch = 8
  /// Pixels from patch to patch.
  public var spacing = 4
  /// Steps of descent a patch and level.
  public var iterations = 16
  /// The finest level that is searched: 1 is half of the frame's size; the flow is enlarged from there.
  public var finestLevel = 1
  /// The refinement of every level; nil for none.
  public var refinement: FlowRefinement? = FlowRefinement()

  /// The default setting.
  public init() {}

  /// The flow from one frame to another of the same size. Traps if the sizes differ.
  ///
  /// Frames of fewer rows or columns than a patch have no flow: 0 everywhere.
  public func callAsFunction(from first: Image, to second: Image) -> FlowField {
    check(
      (first.width, first.height) == (second.width, second.height), "DenseInverseSearch",
      "frames of \(first.width)x\(first.height) and \(second.width)x\(second.height) differ in size")
    let levels = levelCount(width: first.width, height: first.height)
    let a = GrayImage.pyramid(first, levels: levels), b = GrayImage.pyramid(second, levels: levels)
    guard min(first.width, first.height) >= patch else { return FlowField(.zeros([2, first.height, first.width])) }
    let finest = min(finestLevel, levels - 1)
    var flow = FlowPlanes(width: a[levels - 1].width, height: a[levels - 1].height)
    for level in (finest..<levels).reversed() {
      if level < levels - 1 { flow = flow.enlarged(width: a[level].width, height: a[level].height) }
      flow = densified(searched(a[level], b[level], from: flow), a[level], b[level], coarse: flow)
      if let refinement { flow = refinement.refined(flow, a[level], b[level]) }
    }
    if finest > 0 { flow = flow.enlarged(width: first.width, height: first.height) }
    return flow.field
  }

  /// Levels whose smaller side is at least a patch long: on the coarsest, a quarter of the frame is a few pixels.
  private func levelCount(width: Int, height: Int) -> Int {
    var levels = 1, side = min(width, height)
    while side / 2 >= patch {
      side /= 2
      levels += 1
    }
    return levels
  }

  /// Where patches begin along an axis, the last at its end.
  private func starts(_ extent: Int) -> [Int] {
    Array(stride(from: 0, to: extent - patch, by: spacing)) + [extent - patch]
  }

  /// The displacement of every patch of the grid.
  ///
  /// A patch that starts in the wrong valley stays there, so good matches are handed on: along rows and columns of
  /// patches, there and back, each looks whether the patch before it knows better. The lines of a sweep are independent
  /// of each other: the bits do not depend on threads.
  private func searched(_ a: GrayImage, _ b: GrayImage, from coarse: FlowPlanes) -> PatchGrid {
    var grid = PatchGrid(rows: starts(a.height), columns: starts(a.width))
    let (rowStarts, columnStarts, half) = (grid.rows, grid.columns, patch / 2)
    let (rows, columns) = (rowStarts.count, columnStarts.count)
    var errors = [Float](repeating: 0, count: rows * columns)
    grid.vectors.withUnsafeMutableBufferPointer { vectors in
      errors.withUnsafeMutableBufferPointer { errors in
        let vectors = vectors.baseAddress!, errors = errors.baseAddress!
        for sweep in Sweep.allCases {
          let isAlongRows = sweep.isAlongRows
          parallelFor(isAlongRows ? rows : columns) { line in
            let search = PatchSearch(a, b, size: patch, iterations: iterations)
            var template = PatchTemplate(size: patch), before: Int?
            for step in sweep.steps(isAlongRows ? columns : rows) {
              let (row, column) = isAlongRows ? (line, step) : (step, line), place = row * columns + column
              let (top, left) = (rowStarts[row], columnStarts[column])
              template.take(a, top: top, left: left)
              if sweep == .right {
                let start = coarse.vector(at: (top + half) * a.width + left + half)
                (vectors[place], errors[place]) = search.descend(template, top, left, from: start)
              }
              if let before, vectors[before] != vectors[place],
                search.error(template, top, left, vectors[before]) < errors[place]
              {
                (vectors[place], errors[place]) = search.descend(template, top, left, from: vectors[before])
              }
              before = place
            }
          }
        }
      }
    }
    return grid
  }

  /// A vector a pixel out of those of the patches that cover it.
  private func densified(_ grid: PatchGrid, _ a: GrayImage, _ b: GrayImage, coarse: FlowPlanes) -> FlowPlanes {
    var flow = FlowPlanes(width: a.width, height: a.height)
    let (width, height) = (a.width, a.height)
    // For every row: which rows of patches cover it.
    func covering(_ starts: [Int], _ extent: Int) -> [Range<Int>] {
      (0..<extent).map { place in
        let first = starts.firstIndex { $0 + patch > place }!, last = starts.lastIndex { $0 <= place }!
        return first..<(last + 1)
      }
    }
    let rows = covering(grid.rows, height), columns = covering(grid.columns, width)
    flow.withPointers { u, v in
      parallelRuns(height, grain: 8) { run in
        for y in run {
          for x in 0..<width {
            var sum = SIMD2<Float>(0, 0), total: Float = 0
            let own = a.values[y * width + x]
            for row in rows[y] {
              for column in columns[x] {
                let vector = grid.vectors[row * grid.columns.count + column]
                let difference = abs(b.sampled(x: Float(x) + vector.x, y: Float(y) + vector.y) - own)
                let weight = 1 / max(1, difference)
                sum += weight * vector
                total += weight
              }
            }
            u[y * width + x] = sum.x / total
            v[y * width + x] = sum.y / total
          }
        }
      }
    }
    return flow
  }
}

/// The order in which patches learn from each other.
private enum Sweep: CaseIterable {
  case right, down, left, up

  var isAlongRows: Bool { self == .right || self == .left }

  /// The places of a line, in the sweep's direction.
  func steps(_ count: Int) -> StrideTo<Int> {
    self == .right || self == .down ? stride(from: 0, to: count, by: 1) : stride(from: count - 1, to: -1, by: -1)
  }
}

/// Where patches lie, and how far each moves.
private struct PatchGrid {
  let rows: [Int], columns: [Int]
  var vectors: [SIMD2<Float>]

  init(rows: [Int], columns: [Int]) {
    self.rows = rows
    self.columns = columns
    vectors = [SIMD2<Float>](repeating: [0, 0], count: rows.count * columns.count)
  }
}

/// A patch of the first frame: its values, gradients, and the inverse of its Hessian.
private struct PatchTemplate {
  let size: Int
  private(set) var values: [Float]
  private(set) var mean: Float = 0
  private(set) var gradientX: [Float], gradientY: [Float]
  /// (xx, xy, yy) of the inverse Hessian of mean-free patches; nil where the patch has no texture in some direction.
  private(set) var inverse: (Float, Float, Float)?

  init(size: Int) {
    self.size = size
    values = [Float](repeating: 0, count: size * size)
    gradientX = values
    gradientY = values
  }

  /// Reads the patch at a place.
  mutating func take(_ image: GrayImage, top: Int, left: Int) {
    var sums = SIMD8<Float>(repeating: 0)
    for y in 0..<size {
      let row = top + y, line = row * image.width
      let above = max(row - 1, 0) * image.width, below = min(row + 1, image.height - 1) * image.width
      for x in 0..<size {
        let column = left + x
        let value = image.values[line + column]
        let gx =
          (image.values[line + min(column + 1, image.width - 1)] - image.values[line + max(column - 1, 0)]) / 2
        let gy = (image.values[below + column] - image.values[above + column]) / 2
        values[y * size + x] = value
        gradientX[y * size + x] = gx
        gradientY[y * size + x] = gy
        sums += SIMD8(value, gx, gy, gx * gx, gx * gy, gy * gy, 0, 0)
      }
    }
    let count = Float(size * size)
    mean = sums[0] / count
    // Patches are compared without their means: so are their gradients.
    let xx = sums[3] - sums[1] * sums[1] / count, xy = sums[4] - sums[1] * sums[2] / count
    let yy = sums[5] - sums[2] * sums[2] / count
    let determinant = xx * yy - xy * xy
    inverse = determinant > 1e-3 * count ? (yy / determinant, -xy / determinant, xx / determinant) : nil
  }
}

/// Descent of one patch at a time.
private struct PatchSearch {
  private let second: GrayImage
  private let size: Int, iterations: Int
  private let limit: SIMD2<Float>

  init(_ first: GrayImage, _ second: GrayImage, size: Int, iterations: Int) {
    self.second = second
    self.size = size
    self.iterations = iterations
    limit = SIMD2(Float(first.width), Float(first.height))
  }

  /// The sum of squares of the mean-free difference, and its products with the gradients.
  private func difference(
    _ template: PatchTemplate, _ top: Int, _ left: Int, _ vector: SIMD2<Float>
  ) -> (error: Float, b: SIMD2<Float>) {
    // One fraction for the whole patch: the weights of the four neighbours are the same for all its pixels.
    let maximum = SIMD2(Float(second.width - size), Float(second.height - size))
    let place = (SIMD2(Float(left), Float(top)) + vector).clamped(lowerBound: [0, 0], upperBound: maximum)
    let (x, y) = (Int(place.x), Int(place.y)), fraction = place - SIMD2(Float(x), Float(y))
    let right = x + size < second.width ? 1 : 0, down = y + size < second.height ? second.width : 0
    let w11 = fraction.x * fraction.y, w10 = fraction.y - w11, w01 = fraction.x - w11
    let w00 = 1 - fraction.x - fraction.y + w11
    var sum: Float = 0, squares: Float = 0, bx: Float = 0, by: Float = 0, gx: Float = 0, gy: Float = 0
    second.values.withUnsafeBufferPointer { pixels in
      template.values.withUnsafeBufferPointer { values in
        template.gradientX.withUnsafeBufferPointer { gradientX in
          template.gradientY.withUnsafeBufferPointer { gradientY in
            for row in 0..<size {
              let line = pixels.baseAddress! + (y + row) * second.width + x
              for column in 0..<size {
                let upper = w00 * line[column] + w01 * line[column + right]
                let lower = w10 * line[column + down] + w11 * line[column + down + right]
                let index = row * size + column
                let d = upper + lower - values[index]
                sum += d
                squares += d * d
                bx += d * gradientX[index]
                by += d * gradientY[index]
                gx += gradientX[index]
                gy += gradientY[index]
              }
            }
          }
        }
      }
    }
    let mean = sum / Float(size * size)
    return (squares - sum * mean, SIMD2(bx - mean * gx, by - mean * gy))
  }

  func error(_ template: PatchTemplate, _ top: Int, _ left: Int, _ vector: SIMD2<Float>) -> Float {
    difference(template, top, left, vector).error
  }

  /// u ← u − H⁻¹ Σ ∇T (I(x + u) − T(x)), as long as the error falls.
  func descend(
    _ template: PatchTemplate, _ top: Int, _ left: Int, from start: SIMD2<Float>
  ) -> (vector: SIMD2<Float>, error: Float) {
    var (least, b) = difference(template, top, left, start)
    guard let inverse = template.inverse else { return (start, least) }
    let first = least
    var best = start, vector = start
    for _ in 0..<iterations {
      let step = SIMD2(inverse.0 * b.x + inverse.1 * b.y, inverse.1 * b.x + inverse.2 * b.y)
      vector -= step
      let (error, next) = difference(template, top, left, vector)
      guard error < least else { break }
      (best, least, b) = (vector, error, next)
      if (step * step).sum() < 1e-4 { break }
    }
    // A patch that ran farther than its own size has lost its way.
    let moved = best - start
    return (moved * moved).sum() > Float(size * size) ? (start, first) : (best, least)
  }
}
