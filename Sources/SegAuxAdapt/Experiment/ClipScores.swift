import SegData
import SegImages
import SegKernels
import SegMetrics
import SegTraining

/// What an arm's labels of clips score: a row of numbers a clip, and their means.
struct ClipScores {
  /// Numbers of one clip, in the order of ``names``; nil where one is not defined.
  private struct Clip {
    let domain: String
    let values: [Double?]
  }

  /// How a frame follows from the one before, for all methods.
  struct Motion {
    let exact: StreetFlow
    let estimated: FlowField
    /// PC of labels of the frame before and of this one.
    let perceptual: (Labels, Labels) -> Double
  }

  /// Every score; those of time are better when lower.
  private static let names = ["TC", "TC by estimated flow", "agreement", "PC", "mVC8", "mIoU", "milliseconds"]

  private let classes: Int
  private var clips: [Clip] = []
  private var domain = ""
  private var matrices: [String: ConfusionMatrix] = [:]
  private var matrix: ConfusionMatrix
  private var exact: TemporalConsistency, estimated: TemporalConsistency
  private var windows = VideoConsistency(lengths: [8])
  private var perceptual: [Double] = []
  private var last: Labels?
  private var seconds: [Double] = []

  init(classes: Int) {
    self.classes = classes
    matrix = ConfusionMatrix(classes: classes)
    exact = TemporalConsistency(classes: classes)
    estimated = exact
  }

  mutating func startClip(_ domain: String) {
    self.domain = domain
    matrix = ConfusionMatrix(classes: classes)
    exact = TemporalConsistency(classes: classes)
    estimated = exact
    windows = VideoConsistency(lengths: [8])
    (perceptual, last, seconds) = ([], nil, [])
  }

  /// The next frame; without motion nothing ties it to the one before.
  mutating func add(_ labels: Labels, _ truth: Labels, _ motion: Motion?, _ seconds: Double) {
    matrix.add(prediction: labels, truth: truth)
    windows.add(prediction: labels, truth: truth)
    if let last, let motion {
      exact.add(previous: last, current: labels, flow: motion.exact.field, occluded: motion.exact.occluded)
      estimated.add(previous: last, current: labels, flow: motion.estimated)
      perceptual.append(motion.perceptual(last, labels))
    }
    last = labels
    self.seconds.append(seconds)
  }

  mutating func endClip() {
    let median = seconds.sorted()[seconds.count / 2]
    clips.append(
      Clip(
        domain: domain,
        values: [
          exact.visibleScore, estimated.score, exact.visibleAgreement, perceptual.mean, windows.scores[0],
          matrix.meanIoU().ifFinite, median * 1000,
        ]))
    if matrices[domain] == nil { matrices[domain] = matrix } else { matrices[domain]! += matrix }
  }

  /// mIoU of all clips of a domain together.
  func meanIoU(of domain: String) -> Double? { matrices[domain]?.meanIoU().ifFinite }

  /// The median over clips of the median time of a frame.
  var milliseconds: Double {
    let times = clips.compactMap { $0.values.last! }.sorted()
    return times.isEmpty ? 0 : times[times.count / 2]
  }

  /// A clip's row: a value and a 1 for each score, zeros where it is not defined; then the same for its domain alone.
  var rows: [[Double]] {
    clips.map { clip in
      ([nil] + AuxAdaptReproduction.domains.map(\.rawValue)).flatMap { domain in
        clip.values.flatMap { value -> [Double] in
          guard let value, domain == nil || domain == clip.domain else { return [0, 0] }
          return [value, 1]
        }
      }
    }
  }

  /// The means over clips: of all, then of each domain.
  var metrics: [RunResult.Metric] {
    let rows = rows
    let groups = [""] + AuxAdaptReproduction.domains.map { ", \($0.rawValue)" }
    return groups.enumerated().flatMap { group, title in
      ClipScores.names.enumerated().map { index, name in
        let column = 2 * (group * ClipScores.names.count + index)
        let statistic = ImageStatistic(.ratio, columns: column..<(column + 2))
        let sums = rows.reduce([Double](repeating: 0, count: column + 2)) { sums, row in zip(sums, row).map(+) }
        return RunResult.Metric(
          name + title, statistic(sums), higherIsBetter: name != "milliseconds", statistic: statistic)
      }
    }
  }
}
