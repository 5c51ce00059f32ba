import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics

/// `segkernels score`: metrics on files that anyone's model wrote.
///
/// Every method reads the files and throws `FileError` where they do not pair, differ in size, or hold labels that are
/// no class; `report` is called with the number of images done.
public struct Scoring: Sendable {
  /// A file, or a folder of files, of the system that is scored.
  public let prediction: URL
  /// The same of another system, to compare with.
  public let against: URL?
  /// How many classes there are; by default one more than the greatest label.
  public let classes: Int?
  /// The label that means "not annotated".
  public let ignoreIndex: Int
  /// How often images are drawn anew to compare two systems, and the seed of the draws.
  public let resamples: Int, seed: UInt64

  /// A scoring of one system, or of two.
  ///
  /// - Throws: `UsageError` if there is no class or no resample.
  public init(
    prediction: URL, against: URL? = nil, classes: Int? = nil, ignoreIndex: Int = 255, resamples: Int = 2000,
    seed: UInt64 = 1
  ) throws {
    // Matrices have a place for every pair of classes.
    guard (1...1024).contains(classes ?? 1) else { throw UsageError("classes: expected 1 to 1024, found \(classes!)") }
    guard (1...1_000_000).contains(resamples) else {
      throw UsageError("resamples: expected 1 to 1000000, found \(resamples)")
    }
    self.prediction = prediction
    self.against = against
    self.classes = classes
    self.ignoreIndex = ignoreIndex
    self.resamples = resamples
    self.seed = seed
  }

  /// Called with the number of images done, of how many.
  public typealias Report = (_ done: Int, _ of: Int) -> Void

  /// The scores of a system, and how another one does on the same files.
  public struct Result<Scores: Codable & Sendable>: Codable, Sendable {
    /// Images (for video: frames) of one system.
    public let images: Int
    /// The scores of the prediction.
    public let scores: Scores
    /// The scores of the other system.
    public let against: Scores?
    /// Score by score: the prediction (a) against the other system (b), where both have the score.
    public let comparisons: [Comparison]?

    private enum CodingKeys: CodingKey { case images, against, comparisons }

    init(images: Int, scores: Scores, against: Scores?, comparisons: [Comparison]?) {
      self.images = images
      self.scores = scores
      self.against = against
      self.comparisons = comparisons
    }

    // The scores stand at the top, beside the rest.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      images = try container.decode(Int.self, forKey: .images)
      against = try container.decodeIfPresent(Scores.self, forKey: .against)
      comparisons = try container.decodeIfPresent([Comparison].self, forKey: .comparisons)
      scores = try Scores(from: decoder)
    }

    public func encode(to encoder: any Swift.Encoder) throws {
      try scores.encode(to: encoder)
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(images, forKey: .images)
      try container.encodeIfPresent(against, forKey: .against)
      try container.encodeIfPresent(comparisons, forKey: .comparisons)
    }
  }

  /// One score of two systems.
  public struct Comparison: Codable, Sendable, Hashable {
    /// The score's name.
    public let metric: String
    /// Whether more of it is better.
    public let higherIsBetter: Bool
    /// The difference and its interval.
    public let bootstrap: PairedBootstrap
  }

  /// A score as a function of sums over images.
  struct Statistic: Sendable {
    let name: String
    var higherIsBetter = true
    let score: @Sendable ([Double]) -> Double?
  }

  /// One system's scores, and what each image adds to the sums that statistics are functions of.
  struct Outcome<Scores> {
    let scores: Scores
    let contributions: [[Double]]
    let images: Int
  }

  /// One of the systems that are scored.
  struct System {
    let place: URL
    /// Its number, of how many.
    let index: Int, count: Int

    /// Tells how far it is, the systems before it included.
    func report(_ done: Int, of total: Int, _ report: Report) { report(index * total + done, count * total) }
  }

  /// Scores the prediction, and the other system if there is one, on the same images in the same order.
  func result<Scores>(
    _ statistics: [Statistic], _ score: (System) throws -> Outcome<Scores>
  ) throws -> Result<Scores> {
    let first = try score(System(place: prediction, index: 0, count: against == nil ? 1 : 2))
    guard let against else {
      return Result(images: first.images, scores: first.scores, against: nil, comparisons: nil)
    }
    let second = try score(System(place: against, index: 1, count: 2))
    let bootstraps = PairedBootstrap.comparing(
      first.contributions, second.contributions, resamples: resamples, seed: seed, scores: statistics.map(\.score))
    let comparisons = zip(statistics, bootstraps).filter { $1.difference != nil }.map {
      Comparison(metric: $0.name, higherIsBetter: $0.higherIsBetter, bootstrap: $1)
    }
    return Result(images: first.images, scores: first.scores, against: second.scores, comparisons: comparisons)
  }

  /// How many classes the labels of these files name, unless the caller said so.
  func classCount(_ files: [URL]) throws -> Int {
    if let classes { return classes }
    var greatest: Int32 = 0
    for file in files {
      for label in try Labels(contentsOf: file).values where label != ignoreIndex { greatest = max(greatest, label) }
      guard greatest < 1024 else {
        throw FileError(
          path: file.relativePath,
          problem: "expected labels below 1024, or their number as --classes, found \(greatest)")
      }
    }
    return Int(greatest) + 1
  }

  /// Labels of which each is a class or the ignore index.
  func labels(_ file: URL, classes: Int) throws -> Labels {
    let labels = try Labels(contentsOf: file)
    let stray = labels.withUnsafeBufferPointer {
      $0.firstIndex { ($0 < 0 || $0 >= classes) && Int($0) != ignoreIndex }
    }
    if let stray {
      let width = labels.shape[-1]
      throw FileError(
        path: file.relativePath,
        problem: """
          expected labels below \(classes) or \(ignoreIndex), found \(labels.values[stray]) in row \(stray / width), \
          column \(stray % width)
          """)
    }
    return labels
  }

  /// The labels of a pair, which have one size.
  func labels(_ pair: FilePairs.Pair, classes: Int) throws -> (prediction: Labels, truth: Labels) {
    let truth = try labels(pair.truth, classes: classes), prediction = try labels(pair.prediction, classes: classes)
    try requireSize(prediction.shape, of: pair.prediction, like: truth.shape, of: pair.truth)
    return (prediction, truth)
  }

  /// - Throws: `FileError` unless both shapes are equal.
  func requireSize(_ found: Shape, of file: URL, like expected: Shape, of other: URL) throws {
    guard found == expected else {
      throw FileError(
        path: file.relativePath,
        problem: """
          expected the size of \(other.relativePath.printable), \(expected[-2])×\(expected[-1]), \
          found \(found[-2])×\(found[-1])
          """)
    }
  }
}
