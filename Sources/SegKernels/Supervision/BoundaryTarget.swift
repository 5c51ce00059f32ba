import CSegKernels

/// The boundaries of a label map as what a boundary head should predict: 1 near a boundary, 0 elsewhere.
///
/// A pixel is near a boundary if a pixel of another label lies within `radius`: 0 < d ≤ radius to some class's mask
/// from outside, or to its complement from inside, the union over all classes. Since either holds for one class exactly
/// where it holds for another, no class need be looked at by itself, and no distance transform is needed: the pixels
/// within the radius are a small stencil. Ignored pixels are nobody's neighbours, and 0 themselves; what lies outside
/// the frame does not exist, so that the frame is no boundary.
///
/// The released code (`mask_to_onehot` and padding before the transform) leaves out class 0 and draws a boundary along
/// the frame; Borse et al. 2021 describe what is done here.
///
/// - Parameters:
///   - labels: …×H×W.
///   - radius: in pixels, at least 1; about as many pixels on both sides become 1.
///   - ignoreIndex: the label of pixels that do not count; nil where all do.
/// - Returns: …×1×H×W, of zeros and ones.
public func boundaryTarget(of labels: Labels, radius: Int = 2, ignoreIndex: Int? = nil) -> Tensor {
  let shape = labels.shape
  check(
    shape.rank >= 2 && radius >= 1, "boundaryTarget", "expected …×H×W and a positive radius, found \(shape), \(radius)")
  let (height, width) = (shape[-2], shape[-1])
  // Half of the disc: the other half are the same pairs of pixels, seen from the other side.
  let disc = (0...radius).flatMap { dy in
    (-radius...radius).filter { dx in dx * dx + dy * dy <= radius * radius && (dy > 0 || dx > 0) }.map { (dy, $0) }
  }
  let kernels = kernels, ignored = Int32(ignoreIndex ?? Int(Int32.min))
  return Tensor(uninitialized: Shape(shape.dropLast(2) + [1, height, width])) { target in
    guard let target = target.baseAddress, shape.elementCount > 0 else { return }
    labels.withUnsafeBufferPointer { labels in
      let labels = labels.baseAddress!
      // Every row gathers from all its neighbours, both halves of the disc, so that rows are independent.
      parallelRuns(shape.elementCount / width, grain: 16) { rows in
        for row in rows {
          let y = row % height, here = labels + row * width, result = target + row * width
          result.update(repeating: 0, count: width)
          for (dy, dx) in disc {
            for (dy, dx) in [(dy, dx), (-dy, -dx)] where y + dy >= 0 && y + dy < height && abs(dx) < width {
              let first = max(0, -dx)
              kernels.markDifferences(
                here + first, here + dy * width + first + dx, ignored, result + first, width - abs(dx))
            }
          }
        }
      }
    }
  }
}
