import SegKernels
import SegMetrics

/// The scores of label maps that experiments compare: mean IoU, boundary F at 1, 2 and 3 pixels, and mean IoU in bands
/// of 1, 2 and 3 pixels around boundaries; with a row of sums for each image.
public struct SegmentationScore: Sendable {
  private static let distances = [1, 2, 3]

  private let classes: Int
  private let unscored: Set<Int32>
  /// A row for each image, for ``RunResult/images``.
  public private(set) var images: [[Double]] = []

  /// No image yet.
  ///
  /// - Parameters:
  ///   - classes: how many classes the network tells apart.
  ///   - unscored: classes that do not count: void where the truth has them, wrong where they are predicted in place of
  ///     a class that counts, and in no mean.
  public init(classes: Int, unscored: Set<Int32> = []) {
    self.classes = classes
    self.unscored = unscored
  }

  /// Counts one image, H×W. Traps if the shapes differ.
  public mutating func add(prediction: Labels, truth: Labels, ignoreIndex: Int?) {
    // -1 is no class on either side.
    func without(_ labels: Labels) -> Labels {
      unscored.isEmpty ? labels : Labels(labels.shape, labels.values.map { unscored.contains($0) ? -1 : $0 })
    }
    let (prediction, truth) = (without(prediction), without(truth))
    var matrix = ConfusionMatrix(classes: classes, ignoreIndex: ignoreIndex)
    var boundary = BoundaryF(
      classes: classes, ignoreIndex: ignoreIndex, tolerances: SegmentationScore.distances.map { .pixels($0) })
    var trimap = TrimapIoU(classes: classes, ignoreIndex: ignoreIndex, widths: SegmentationScore.distances)
    matrix.add(prediction: prediction, truth: truth)
    boundary.add(prediction: prediction, truth: truth)
    trimap.add(prediction: prediction, truth: truth)
    images.append(matrix.sums + boundary.sums + trimap.matrices.flatMap(\.sums))
  }

  /// The scores of all images together.
  public var metrics: [RunResult.Metric] {
    var sums = [Double](repeating: 0, count: images.first?.count ?? 0)
    for row in images { for (index, value) in row.enumerated() { sums[index] += value } }
    var first = 0, metrics: [RunResult.Metric] = []
    func add(_ name: String, _ kind: ImageStatistic.Kind, _ columns: Range<Int>) {
      let statistic = ImageStatistic(kind, columns: columns)
      metrics.append(RunResult.Metric(name, sums.isEmpty ? nil : statistic(sums), statistic: statistic))
    }
    let pixels = 3 * classes, boundaries = classes + 4 * classes * SegmentationScore.distances.count
    add("mIoU", .meanIoU, 0..<pixels)
    first = pixels
    for (level, distance) in SegmentationScore.distances.enumerated() {
      add("boundaryF@\(distance)px", .boundaryF(classes: classes, level: level), first..<(first + boundaries))
    }
    first += boundaries
    for distance in SegmentationScore.distances {
      add("trimapIoU@\(distance)px", .meanIoU, first..<(first + pixels))
      first += pixels
    }
    return metrics
  }
}
