import SegKernels

/// The boundary pixels of every class of a label map, one pixel wide.
///
/// A pixel belongs to the boundary of class c if it differs in being c from its neighbour to the right, below, or below
/// to the right: the convention of DAVIS, half a pixel towards the origin. Pairs that leave the frame or touch void are
/// no boundary.
struct ClassBoundaries {
  /// By class: the pixels, as row-major positions in ascending order.
  private(set) var positions: [[Int]]

  /// - Parameter void: as many flags as pixels, non-zero where the truth is void.
  init(_ labels: Labels, void: Labels, classes: Int) {
    let (height, width) = (labels.shape[-2], labels.shape[-1])
    var positions = [[Int]](repeating: [], count: classes)
    labels.withUnsafeBufferPointer { labels in
      void.withUnsafeBufferPointer { void in
        for y in 0..<height {
          for x in 0..<width {
            let here = y * width + x
            let right = x + 1 < width, below = y + 1 < height
            let label = labels[here]
            // Most pixels end here.
            if (!right || labels[here + 1] == label) && (!below || labels[here + width] == label)
              && (!right || !below || labels[here + width + 1] == label)
            {
              continue
            }
            if void[here] != 0 { continue }
            func compare(_ other: Int) {
              guard labels[other] != label, void[other] == 0 else { return }
              for name in [label, labels[other]] where name >= 0 && name < classes {
                if positions[Int(name)].last != here { positions[Int(name)].append(here) }
              }
            }
            if right { compare(here + 1) }
            if below { compare(here + width) }
            if right && below { compare(here + width + 1) }
          }
        }
      }
    }
    self.positions = positions
  }

  /// The squared distances from pixels to the nearest of other pixels, `DistanceTransform.infinity` beyond `radius`.
  ///
  /// Only the rectangle that holds both sets is looked at.
  static func squaredDistances(from pixels: [Int], to targets: [Int], width: Int, within radius: Int) -> [Int32] {
    guard !pixels.isEmpty, !targets.isEmpty else {
      return [Int32](repeating: DistanceTransform.infinity, count: pixels.count)
    }
    let top = min(pixels.first!, targets.first!) / width, bottom = max(pixels.last!, targets.last!) / width
    var left = width, right = 0
    for position in pixels { (left, right) = (min(left, position % width), max(right, position % width)) }
    for position in targets { (left, right) = (min(left, position % width), max(right, position % width)) }
    let columns = right - left + 1
    func place(_ position: Int) -> Int { (position / width - top) * columns + position % width - left }

    var mask = Labels([bottom - top + 1, columns], filledWith: 0)
    mask.withUnsafeMutableBufferPointer { mask in for target in targets { mask[place(target)] = 1 } }
    return DistanceTransform.squared(to: mask, within: radius).withUnsafeBufferPointer { distances in
      pixels.map { distances[place($0)] }
    }
  }
}
