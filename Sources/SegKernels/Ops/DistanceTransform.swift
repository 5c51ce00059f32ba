import CSegKernels

/// Exact Euclidean distances on the pixel grid, squared so that they are whole numbers.
///
/// Both functions take linear time, whatever the number of labels: columns first, then for each row the lower envelope
/// of the parabolas that the columns' distances stand for (Felzenszwalb and Huttenlocher, "Distance Transforms of
/// Sampled Functions", 2012).
public enum DistanceTransform {
  /// The distance of pixels that have nothing to be measured to.
  public static let infinity = Int32(SK_FAR)

  /// The squared distance of every pixel to the nearest pixel of a mask: d²(p) = min over q with mask(q) ≠ 0 of |p −
  /// q|².
  ///
  /// - Parameters:
  ///   - mask: …×H×W; every plane by itself. Traps if a side has more than 32,767 pixels, since squares would not fit.
  ///   - radius: distances beyond it, in pixels, are not wanted: they are ``infinity``, and the rest comes faster.
  /// - Returns: the mask's shape; 0 on the mask, ``infinity`` where a plane's mask is empty.
  public static func squared(to mask: Labels, within radius: Int? = nil) -> Labels {
    distances(mask, isMask: true, radius)
  }

  /// The squared distance of every pixel to the nearest pixel of another label:
  /// d²(p) = min over q with label(q) ≠ label(p) of |p − q|².
  ///
  /// This is, for all labels at once, the distance inside each label's mask to the outside: 1 beside a boundary,
  /// ``infinity`` everywhere in a plane of one label. The frame is no boundary.
  ///
  /// - Parameters:
  ///   - labels: …×H×W; every plane by itself. Traps if a side has more than 32,767 pixels.
  ///   - radius: distances beyond it are ``infinity``.
  public static func squaredToOtherLabel(_ labels: Labels, within radius: Int? = nil) -> Labels {
    distances(labels, isMask: false, radius)
  }

  private static func distances(_ labels: Labels, isMask: Bool, _ radius: Int?) -> Labels {
    let shape = labels.shape
    check((radius ?? 0) >= 0, "DistanceTransform", "the radius must not be negative, found \(radius ?? 0)")
    check(
      shape.rank >= 2 && shape[-1] <= 32_767 && shape[-2] <= 32_767, "DistanceTransform",
      "expected …×H×W with sides of at most 32767, found \(shape)")
    let (height, width) = (shape[-2], shape[-1])
    return Labels(uninitialized: shape) { distances in
      labels.withUnsafeBufferPointer { labels in
        guard let distances = distances.baseAddress, let labels = labels.baseAddress, height * width > 0 else { return }
        let halves = [0] + (1...(width + 1)).map { 0.5 / Double($0) }
        for plane in stride(from: 0, to: shape.elementCount, by: height * width) {
          Plane(
            labels: labels + plane, distances: distances + plane, height: height, width: width, isMask: isMask,
            // No distance in the plane is longer than the sum of its sides.
            limit: Int32(min(radius ?? .max, height + width))
          ).fill(halves)
        }
      }
    }
  }

  /// One image, and where its distances go.
  private struct Plane {
    let labels: UnsafePointer<Int32>
    let distances: UnsafeMutablePointer<Int32>
    let height: Int, width: Int
    let isMask: Bool
    let limit: Int32

    /// Columns in strips, then rows in bands, each of a size that a thread takes at a time.
    func fill(_ halves: [Double]) {
      let kernels = kernels
      parallelRuns(width, grain: 256) { columns in
        kernels.columnDistances(
          labels, Int32(height), Int32(width), Int32(columns.lowerBound), Int32(columns.upperBound), isMask ? 1 : 0,
          limit, distances)
      }
      halves.withUnsafeBufferPointer { halves in
        parallelRuns(height, grain: 16) { rows in
          withWorkspace(4 * (width + 2)) { scratch in
            for row in rows {
              kernels.rowDistances(
                isMask ? nil : labels + row * width, Int32(width), limit, halves.baseAddress!, distances + row * width,
                scratch)
            }
          }
        }
      }
    }
  }
}
