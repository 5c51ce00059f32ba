import SegImages
import SegKernels

/// A grey picture of floats, 0…255.
struct GrayImage {
  let width: Int, height: Int
  private(set) var values: [Float]

  /// The luma of a picture.
  init(_ image: Image) {
    width = image.width
    height = image.height
    values = image.pixels.withUnsafeBufferPointer { pixels in
      (0..<(image.width * image.height)).map {
        0.299 * Float(pixels[3 * $0]) + 0.587 * Float(pixels[3 * $0 + 1]) + 0.114 * Float(pixels[3 * $0 + 2])
      }
    }
  }

  init(width: Int, height: Int, values: [Float]) {
    (self.width, self.height, self.values) = (width, height, values)
  }

  /// The picture and ever smaller ones, each half of the size before: means of 2×2 pixels, an odd last one left out.
  static func pyramid(_ image: Image, levels: Int) -> [GrayImage] {
    var result = [GrayImage(image)]
    for _ in 1..<max(levels, 2) where result.count < levels { result.append(result.last!.halved()) }
    return result
  }

  private func halved() -> GrayImage {
    let (columns, rows) = (width / 2, height / 2)
    var half = [Float](repeating: 0, count: columns * rows)
    for row in 0..<rows {
      let upper = 2 * row * width, lower = upper + width
      for column in 0..<columns {
        half[row * columns + column] =
          (values[upper + 2 * column] + values[upper + 2 * column + 1] + values[lower + 2 * column]
            + values[lower + 2 * column + 1]) / 4
      }
    }
    return GrayImage(width: columns, height: rows, values: half)
  }

  /// The value between pixel centres, which lie at whole numbers; beyond the edge, that of the edge.
  @inline(__always)
  func sampled(x: Float, y: Float) -> Float {
    let x = min(max(x, 0), Float(width - 1)), y = min(max(y, 0), Float(height - 1))
    let (left, top) = (Int(x), Int(y)), (u, v) = (x - Float(left), y - Float(top))
    let right = min(left + 1, width - 1), bottom = min(top + 1, height - 1)
    return values.withUnsafeBufferPointer { p in
      let upper = p[top * width + left] * (1 - u) + p[top * width + right] * u
      let lower = p[bottom * width + left] * (1 - u) + p[bottom * width + right] * u
      return upper * (1 - v) + lower * v
    }
  }

  /// Central differences along columns and rows.
  func gradients() -> (x: [Float], y: [Float]) {
    var gx = [Float](repeating: 0, count: values.count), gy = gx
    for row in 0..<height {
      let line = row * width, above = max(row - 1, 0) * width, below = min(row + 1, height - 1) * width
      for column in 0..<width {
        gx[line + column] =
          (values[line + min(column + 1, width - 1)] - values[line + max(column - 1, 0)]) / 2
        gy[line + column] = (values[below + column] - values[above + column]) / 2
      }
    }
    return (gx, gy)
  }
}

/// Two planes of displacements.
struct FlowPlanes {
  let width: Int, height: Int
  private(set) var u: [Float], v: [Float]

  /// No motion.
  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    u = [Float](repeating: 0, count: width * height)
    v = u
  }

  func vector(at place: Int) -> SIMD2<Float> { SIMD2(u[place], v[place]) }

  /// Calls `body` with both planes, for writing.
  mutating func withPointers(_ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void) {
    u.withUnsafeMutableBufferPointer { u in
      v.withUnsafeMutableBufferPointer { v in body(u.baseAddress!, v.baseAddress!) }
    }
  }

  /// The field of a picture of twice the size (or one more): displacements grow with it.
  func enlarged(width newWidth: Int, height newHeight: Int) -> FlowPlanes {
    var result = FlowPlanes(width: newWidth, height: newHeight)
    let a = GrayImage(width: width, height: height, values: u), b = GrayImage(width: width, height: height, values: v)
    result.withPointers { u, v in
      parallelRuns(newHeight, grain: 16) { rows in
        for y in rows {
          for x in 0..<newWidth {
            // Pixel centres: halving put the centre of pixel i at 2 i + ½.
            let (sx, sy) = ((Float(x) - 0.5) / 2, (Float(y) - 0.5) / 2)
            u[y * newWidth + x] = 2 * a.sampled(x: sx, y: sy)
            v[y * newWidth + x] = 2 * b.sampled(x: sx, y: sy)
          }
        }
      }
    }
    return result
  }

  /// The field as metrics take it.
  var field: FlowField { FlowField(Tensor([2, height, width], u + v)) }
}
