import SegData
import SegKernels
import SegMetrics
import SegTraining

/// Depth errors over test frames: the seven as means over frames, and AbsRel by group of classes and at depth's edges
/// as means over pixels.
struct DepthSlices {
  private static let grouping = ClassGrouping.geometry6
  private static let edges = "depth edges"
  /// Neighbours whose depths differ by more than this factor lie at an edge.
  private static let jump: Float = 1.2
  private let names = grouping.names.filter { $0 != "sky" } + [edges]
  private var evaluation: DepthEvaluation
  /// Of each frame: AbsRel and 1, then for each slice the sum of |t − d| / t and the number of pixels.
  private(set) var images: [[Double]] = []

  /// No frame yet; KITTI's caps without its crop.
  init(scalesByMedian: Bool) {
    evaluation = DepthEvaluation(.uncropped(scalesByMedian: scalesByMedian))
  }

  /// Adds a frame.
  ///
  /// - Parameter disparity: H×W, 1 / metres, of the frame's own size.
  mutating func add(disparity: Tensor, of frame: StreetFrame) {
    let rules = evaluation.rules, before = (evaluation.images.count, evaluation.factors.count)
    evaluation.add(disparity: disparity, truth: frame.depth)
    guard evaluation.images.count > before.0 else { return }
    let factor = evaluation.factors.count > before.1 ? evaluation.factors[before.1] : 1
    let groups = Self.grouping(frame.labels).values, atEdge = Self.edges(of: frame.depth)
    let truth = frame.depth.scalars, inverse = disparity.scalars
    var sums = [Double](repeating: 0, count: 2 * names.count)
    func count(_ error: Double, in name: String) {
      guard let slice = names.firstIndex(of: name) else { return }
      sums[2 * slice] += error
      sums[2 * slice + 1] += 1
    }
    for pixel in truth.indices where Double(truth[pixel]) > rules.least && Double(truth[pixel]) < rules.most {
      let told = inverse[pixel] > 0 ? factor / Double(inverse[pixel]) : rules.most
      let error = abs(min(max(told, rules.least), rules.most) - Double(truth[pixel])) / Double(truth[pixel])
      if Self.grouping.names.indices.contains(Int(groups[pixel])) {
        count(error, in: Self.grouping.names[Int(groups[pixel])])
      }
      if atEdge[pixel] { count(error, in: Self.edges) }
    }
    images.append([evaluation.images[before.0].absoluteRelative, 1] + sums)
  }

  /// Whether a pixel's depth and that of a neighbour to its side, above or below differ by more than ``jump``; the sky,
  /// 0, is beyond everything.
  private static func edges(of depth: Tensor) -> [Bool] {
    let (height, width) = (depth.shape[0], depth.shape[1]), values = depth.scalars
    var result = [Bool](repeating: false, count: values.count)
    func mark(_ a: Int, _ b: Int) {
      let (near, far) = (min(values[a], values[b]), max(values[a], values[b]))
      guard far > jump * near else { return }
      result[a] = true
      result[b] = true
    }
    for row in 0..<height {
      for column in 0..<width {
        let pixel = row * width + column
        if column + 1 < width { mark(pixel, pixel + 1) }
        if row + 1 < height { mark(pixel, pixel + width) }
      }
    }
    return result
  }

  /// The scores by name.
  var metrics: [RunResult.Metric] {
    let mean = DepthScores(evaluation).mean
    func metric(_ name: String, _ value: Double?) -> RunResult.Metric {
      RunResult.Metric(name, value, higherIsBetter: name.hasPrefix("delta"))
    }
    var metrics = [
      metric("SqRel", mean?.squaredRelative), metric("RMSE", mean?.rmse), metric("RMSElog", mean?.rmseLog),
      metric("delta1", mean?.delta1), metric("delta2", mean?.delta2), metric("delta3", mean?.delta3),
    ]
    let slices = [("AbsRel", 0)] + names.enumerated().map { ("AbsRel, \($0.element)", 2 * $0.offset + 2) }
    for (place, (name, column)) in slices.enumerated() {
      let (sum, count) = images.reduce((0, 0)) { ($0.0 + $1[column], $0.1 + $1[column + 1]) }
      let statistic = ImageStatistic(.ratio, columns: column..<column + 2)
      metrics.insert(
        .init(name, count > 0 ? sum / count : nil, higherIsBetter: false, statistic: statistic),
        at: place == 0 ? 0 : metrics.count)
    }
    return metrics
  }
}
