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
    let (height, width) = (labels.shape[-2], labels.shape[-1])
    let masked = zip(labels.values, void.values).map { $1 != 0 ? -1 : $0 }
    // The largest square around a pixel that holds its label alone is as wide as the least row in its reach, so two
    // passes of window lengths do: along rows, then along columns over rows that are clear.
    var isClear = [Bool](repeating: false, count: masked.count)
    for y in 0..<height {
      forEachRun(count: width, { masked[y * width + $0] == masked[y * width + $1] }) { run in
        // Windows of ±depth inside the run; the frame ends them like another label.
        if run.count > 2 * depth {
          for x in (run.lowerBound + depth)..<(run.upperBound - depth) { isClear[y * width + x] = true }
        }
      }
    }
    var bands = masked
    for x in 0..<width {
      func pixel(_ y: Int) -> Int { y * width + x }
      forEachRun(
        count: height, { isClear[pixel($0)] && isClear[pixel($1)] && masked[pixel($0)] == masked[pixel($1)] }
      ) { run in
        if run.count > 2 * depth {
          for y in (run.lowerBound + depth)..<(run.upperBound - depth) { bands[pixel(y)] = -1 }
        }
      }
    }
    return bands
  }

  /// Cuts 0..<count where neighbours do not belong together.
  private static func forEachRun(count: Int, _ together: (Int, Int) -> Bool, _ body: (Range<Int>) -> Void) {
    var first = 0
    while first < count {
      var end = first + 1
      while end < count && together(end - 1, end) { end += 1 }
      body(first..<end)
      first = end
    }
  }
}
