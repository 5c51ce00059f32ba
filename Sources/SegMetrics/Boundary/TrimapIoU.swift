import SegKernels

/// Mean IoU in bands around the boundaries of the truth, by the bands' width.
///
/// A band of w pixels holds every labelled pixel whose distance to the nearest pixel of another true label is at most
/// w. Void counts as a label here: PASCAL's contours are void. Its pixels themselves do not count.
///
/// Kohli et al., "Robust Higher Order Potentials for Enforcing Label Consistency", 2009; Krähenbühl and Koltun, 2011.
public struct TrimapIoU: Sendable, Hashable {
  /// The widths in pixels, ascending.
  public let widths: [Int]
  /// A matrix for the ring between a width and the one before it.
  private var rings: [ConfusionMatrix]

  /// No image yet. Traps unless there is a width and all are positive.
  public init(classes: Int, ignoreIndex: Int? = 255, widths: [Int] = [1, 2, 3, 5, 10, 20]) {
    check(!widths.isEmpty && widths.allSatisfy { $0 > 0 }, "TrimapIoU", "expected positive widths, found \(widths)")
    self.widths = widths.sorted()
    rings = widths.map { _ in ConfusionMatrix(classes: classes, ignoreIndex: ignoreIndex) }
  }

  /// Counts one image, H×W. Traps if the shapes differ.
  public mutating func add(prediction: Labels, truth: Labels) {
    checkPair(prediction, truth, "TrimapIoU.add")
    let distances = DistanceTransform.squaredToOtherLabel(truth, within: widths.last!).values
    let (predicted, labelled) = (prediction.values, truth.values)
    var found = widths.map { _ in [Int32]() }, wanted = found
    let squares = widths.map { Int32($0 * $0) }
    for (index, distance) in distances.enumerated() where distance <= squares.last! {
      let ring = squares.firstIndex { distance <= $0 }!
      found[ring].append(predicted[index])
      wanted[ring].append(labelled[index])
    }
    for ring in widths.indices {
      let shape: Shape = [found[ring].count]
      rings[ring].add(prediction: Labels(shape, found[ring]), truth: Labels(shape, wanted[ring]))
    }
  }

  /// Adds the counts of another part of the data set.
  public static func += (a: inout TrimapIoU, b: TrimapIoU) {
    check(a.widths == b.widths, "TrimapIoU", "bands of \(a.widths) and \(b.widths) pixels do not add up")
    for ring in a.rings.indices { a.rings[ring] += b.rings[ring] }
  }

  /// The confusion matrix of each width's band.
  public var matrices: [ConfusionMatrix] {
    rings.indices.map { last in rings[...last].dropFirst().reduce(into: rings[0]) { $0 += $1 } }
  }

  /// The mean IoU of each width's band; nil where it holds no labelled pixel.
  public var meanIoU: [Double?] { matrices.map { $0.meanIoU().ifFinite } }
}
