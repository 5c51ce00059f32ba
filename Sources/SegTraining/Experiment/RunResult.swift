import Foundation
import SegFiles
import SegKernels
import SegMetrics

/// What one run of one arm found: what a paper's ``Reproduction`` returns, and what is kept of it in a file.
public struct RunResult: Sendable, Hashable, Codable {
  /// One score.
  public struct Metric: Sendable, Hashable, Codable {
    /// Its name, `mIoU` for instance.
    public var name: String
    /// Whether more of it is better.
    public var higherIsBetter: Bool
    /// The score; nil where it is not defined.
    public var value: Double?
    /// How it follows from sums over images, for the bootstrap; nil where it does not.
    public var statistic: ImageStatistic?

    /// A score.
    public init(_ name: String, _ value: Double?, higherIsBetter: Bool = true, statistic: ImageStatistic? = nil) {
      self.name = name
      self.value = value
      self.higherIsBetter = higherIsBetter
      self.statistic = statistic
    }
  }

  /// Learnable scalars of what predicts.
  public var parameters = 0
  /// See ``ExperimentAnswer/Arm/train_gflop_per_image``.
  public var trainGFLOPPerImage = 0.0
  /// Milliseconds for one image, compiled.
  public var inferMilliseconds = 0.0
  /// Training steps (of one fold).
  public var steps = 0
  /// Training alone.
  public var seconds = 0.0
  /// The scores.
  public var metrics: [Metric] = []
  /// A row of numbers that add up for each test image (or clip), in the order of the test data; see ``ImageStatistic``.
  public var images: [[Double]] = []
  /// What a reader must know: classes left out, for instance. One sentence each.
  public var notes: [String] = []

  /// Nothing yet.
  public init() {}
}

/// A score as a function of sums over images: columns of ``RunResult/images``.
public struct ImageStatistic: Sendable, Hashable, Codable {
  /// Which function.
  public enum Kind: Sendable, Hashable, Codable {
    /// The first column over the second: the mean of what the first holds, where the second counts.
    case ratio
    /// The mean IoU of columns as `ConfusionMatrix.sums` makes them.
    case meanIoU
    /// The mean boundary F of columns as `BoundaryF.sums` makes them.
    case boundaryF(classes: Int, level: Int)
    /// The mean PQ of four columns a category: TP, FP, FN and Σ IoU.
    case panopticQuality
  }

  /// Which function, of which columns.
  public let kind: Kind
  /// The first of the columns, and how many there are.
  public let first, count: Int

  /// A function of some columns.
  public init(_ kind: Kind, columns: Range<Int>) {
    self.kind = kind
    first = columns.lowerBound
    count = columns.count
  }

  /// The score of sums; nil where it is not defined.
  public func callAsFunction(_ sums: some RandomAccessCollection<Double>) -> Double? {
    let columns = Array(sums.dropFirst(first).prefix(count))
    switch kind {
    case .ratio: return columns[1] > 0 ? columns[0] / columns[1] : nil
    case .meanIoU: return ConfusionMatrix.meanIoU(ofSums: columns)
    case .panopticQuality: return PanopticQuality.meanPQ(ofSums: columns)
    case .boundaryF(let classes, let level): return BoundaryF.meanF(ofSums: columns, classes: classes, level: level)
    }
  }
}

/// A finished run in its file, `<arm>-<seed>-<key>.json`.
struct RunRecord: Codable {
  let arm: String
  let seed: UInt64
  /// A hash of everything that the result depends on.
  let key: String
  let result: RunResult
  /// Where it ran, and the day on which it ended (UTC, `2026-11-26`); nil in files of earlier versions.
  let machine, day: String?

  private static func file(_ arm: String, _ seed: UInt64, _ key: String, in folder: URL) -> URL {
    folder.appendingPathComponent("\(arm)-\(seed)-\(key).json")
  }

  /// The run of an arm and a seed; nil if it was not finished, or its file is damaged.
  init?(_ arm: String, _ seed: UInt64, _ key: String, in folder: URL) {
    guard let data = try? Data(contentsOf: RunRecord.file(arm, seed, key, in: folder)),
      let record = try? JSONDecoder().decode(RunRecord.self, from: data), record.key == key
    else { return nil }
    self = record
  }

  init(arm: String, seed: UInt64, key: String, result: RunResult) {
    self.arm = arm
    self.seed = seed
    self.key = key
    self.result = result
    machine = "\(Processor.name) (\(InstructionSet.current))"
    day = String(Date().ISO8601Format().prefix(10))
  }

  func write(into folder: URL) throws {
    try folder.makeFolder()
    try writeJSON(self, to: RunRecord.file(arm, seed, key, in: folder), pretty: false)
  }
}
