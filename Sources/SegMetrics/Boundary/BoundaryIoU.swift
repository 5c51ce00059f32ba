import SegKernels

/// Boundary IoU: the intersection over union of the bands that line the two masks of a class from inside.
///
/// The band of a mask holds its pixels within d of its contour: those that d erosions by a 3×3 square remove, the frame
/// being a contour too; d is 2 % of the diagonal, rounded, at least 1. Counts are summed over the data set, the mean is
/// over classes whose bands are not both empty. Void of the truth is taken out of both masks first.
///
/// Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation", 2021, and its published
/// implementation, which settles the shape of the band.
public struct BoundaryIoU: Sendable, Hashable {
  /// The number of classes.
  public let classes: Int
  /// The true label of pixels that do not count.
  public let ignoreIndex: Int?
  /// The band's width as a share of the diagonal.
  public let width: Double
  private var intersections: [Int], unions: [Int]

  /// No image yet.
  public init(classes: Int, ignoreIndex: Int? = 255, width: Double = 0.02) {
    check(classes > 0, "BoundaryIoU", "needs at least one class, found \(classes)")
    self.classes = classes
    self.ignoreIndex = ignoreIndex
    self.width = width
    intersections = Array(repeating: 0, count: classes)
    unions = intersections
  }

  /// Counts one image, H×W. Traps if the shapes differ.
  public mutating func add(prediction: Labels, truth: Labels) {
    checkPair(prediction, truth, "BoundaryIoU.add")
    let (height, columns) = (truth.shape[-2], truth.shape[-1])
    let diagonal = Double(height * height + columns * columns).squareRoot()
    // Python's rounding: halves to even.
    let depth = max(1, Int((width * diagonal).rounded(.toNearestOrEven)))
    let void = voidMask(truth, classes: classes, ignoreIndex: ignoreIndex)
    let found = BoundaryIoU.bands(of: prediction, without: void, depth: depth)
    let wanted = BoundaryIoU.bands(of: truth, without: void, depth: depth)
    for (p, t) in zip(found, wanted) {
      if p >= 0 && p < classes { unions[Int(p)] += 1 }
      if t >= 0 && t < classes { unions[Int(t)] += 1 }
      if p == t, p >= 0 && p < classes {
        intersections[Int(p)] += 1
        unions[Int(p)] -= 1
      }
    }
  }

  /// Adds the counts of another part of the data set.
  public static func += (a: inout BoundaryIoU, b: BoundaryIoU) {
    check(
      a.classes == b.classes && a.width == b.width, "BoundaryIoU",
      "parts of \(a.classes) and \(b.classes) classes, or of other widths, do not add up")
    for index in 0..<a.classes {
      a.intersections[index] += b.intersections[index]
      a.unions[index] += b.unions[index]
    }
  }

  /// By class: how many pixels both bands share, and how many are in either.
  package var counts: [(intersection: Int, union: Int)] { zip(intersections, unions).map { ($0, $1) } }

  /// The score of each class; nil where both bands are empty.
  public var iou: [Double?] { counts.map { share($0.intersection, of: $0.union) } }

  /// The mean over the classes that have a score.
  public var mean: Double? { iou.meanOfKnown }

  /// The label of each pixel that lies within `depth` of its mask's contour in the Chebyshev distance; -1 elsewhere and
  /// on void.
  private static func bands(of labels: Labels, without void: Labels, depth: Int) -> [Int32] {
    let (height, width) = (labels.shape[-2], labels.shape[-1]), window = 2 * depth + 1
    let masked = zip(labels.values, void.values).map { $1 != 0 ? -1 : $0 }
    var bands = masked
    // A pixel is inside if the square around it holds one label and lies in the frame: first along rows, then along
    // columns of pixels that are clear in their rows. A run that has reached the window's length ends `depth` pixels
    // behind the middle of such a window.
    var isClear = [Bool](repeating: false, count: masked.count), columnRuns = [Int](repeating: 0, count: width)
    masked.withUnsafeBufferPointer { masked in
      isClear.withUnsafeMutableBufferPointer { isClear in
        for y in 0..<height {
          var run = 0
          for place in (y * width)..<((y + 1) * width) {
            run = run > 0 && masked[place] == masked[place - 1] ? run + 1 : 1
            if run >= window { isClear[place - depth] = true }
          }
        }
        for place in masked.indices {
          let column = place % width
          let continues = place >= width && masked[place] == masked[place - width]
          columnRuns[column] = isClear[place] ? (continues ? columnRuns[column] + 1 : 1) : 0
          if columnRuns[column] >= window { bands[place - depth * width] = -1 }
        }
      }
    }
    return bands
  }
}
