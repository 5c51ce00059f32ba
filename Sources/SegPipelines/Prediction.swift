import Foundation
import SegFiles
import SegFormats
import SegImages
import SegKernels

/// `segkernels predict`: photographs in, pictures of their classes out.
public struct Prediction {
  /// What is written beside labels and overlay.
  public struct Extras: Sendable {
    /// `<stem>_probabilities.npy`: classes×H×W.
    public var probabilities = false
    /// `<stem>_confidence.png`: the probability of the likeliest class, 0…255.
    public var confidence = false
    /// `<stem>_entropy.png`: 0 where one class is certain, 255 where all are as likely.
    public var entropy = false

    /// Nothing beside labels and overlay.
    public init() {}
  }

  private let segmenter: Segmenter
  private let folder: URL?
  private let views: Segmenter.Views
  private let extras: Extras
  private let overwrite: Bool

  /// Predictions of a segmenter, as files.
  ///
  /// - Parameters:
  ///   - segmenter: makes the predictions.
  ///   - folder: where the results go; beside each photograph by default.
  ///   - views: how photographs are looked at.
  ///   - extras: which files are written beside the labels.
  ///   - overwrite: replace files that exist.
  /// - Throws: `UsageError` for views that make no sense.
  public init(
    _ segmenter: Segmenter, folder: URL?, views: Segmenter.Views = .init(), extras: Extras = Extras(),
    overwrite: Bool = false
  ) throws {
    if let problem = views.problem ?? segmenter.problem(with: views) { throw UsageError(problem) }
    self.segmenter = segmenter
    self.folder = folder
    self.views = views
    self.extras = extras
    self.overwrite = overwrite
  }

  /// What one photograph gave.
  public struct Result: Sendable, Codable {
    /// The photograph.
    public let image: String
    /// Its columns.
    public let width: Int
    /// Its rows.
    public let height: Int
    /// Share of the pixels, by class name, the largest first.
    public let classes: [ClassShare]
    /// What was written.
    public let files: [String]
    /// Inference, without reading and writing files.
    public let seconds: Double
  }

  /// How much of a picture a class takes.
  public struct ClassShare: Sendable, Codable {
    /// The class.
    public let name: String
    /// 0…1.
    public let share: Double
  }

  /// Segments one photograph and writes its files: `<stem>_labels.png`, `<stem>_overlay.png`, and the extras.
  ///
  /// - Throws: `FileError`; files that exist are refused, before anything is computed, unless overwriting was asked
  /// for.
  public func run(_ photo: URL) throws -> Result {
    let target = folder ?? photo.deletingLastPathComponent()
    let stem = photo.deletingPathExtension().lastPathComponent
    func file(_ suffix: String) -> URL { target.appendingPathComponent(stem + suffix) }
    var names = ["_labels.png", "_overlay.png"]
    if extras.probabilities { names.append("_probabilities.npy") }
    if extras.confidence { names.append("_confidence.png") }
    if extras.entropy { names.append("_entropy.png") }
    let image = try Image(contentsOf: photo)
    try refuseExisting(names.map(file), overwrite: overwrite)
    try folder?.makeFolder()
    let (result, seconds) = segmented(image)
    try result.labels.writeIndexedPNG(to: file("_labels.png"), palette: segmenter.classes.palette, overwrite: overwrite)
    let (height, width) = (result.labels.shape[0], result.labels.shape[1])
    // A network that was asked at a size of its own gives its labels there.
    let picture = (height, width) == (image.height, image.width) ? image : image.resized(width: width, height: height)
    try overlay(image: picture, labels: result.labels, palette: segmenter.classes.palette)
      .writePNG(to: file("_overlay.png"), overwrite: overwrite)
    if extras.probabilities {
      let archive = WeightArchive([("array", .float(result.probabilities))])
      try writeWeights(archive, to: file("_probabilities.npy"), overwrite: overwrite)
    }
    if extras.confidence {
      try gray(result.confidence).writeGray8PNG(to: file("_confidence.png"), overwrite: overwrite)
    }
    if extras.entropy { try gray(result.entropy).writeGray8PNG(to: file("_entropy.png"), overwrite: overwrite) }
    return Result(
      image: photo.relativePath, width: width, height: height, classes: shares(result.labels),
      files: names.map { file($0).relativePath }, seconds: seconds)
  }

  /// 0…1 as 0…255.
  private func gray(_ x: Tensor) -> Labels {
    Labels(x.shape, x.scalars.map { Int32(min(max($0, 0), 1) * 255 + 0.5) })
  }

  /// Segments one photograph and writes the file that a benchmark server takes.
  ///
  /// - Throws: `FileError`.
  public func run(_ photo: URL, exporting export: ServerExport) throws -> Result {
    let image = try Image(contentsOf: photo)
    guard !segmenter.isResolutionFree || views.size == nil else {
      throw UsageError("expected no size beside a server's files: they have the photograph's own")
    }
    let (result, seconds) = segmented(image)
    let file = try export.add(result.labels, photo: photo.lastPathComponent)
    return Result(
      image: photo.relativePath, width: image.width, height: image.height, classes: shares(result.labels),
      files: [file.relativePath], seconds: seconds)
  }

  /// Inference, and how long it took.
  private func segmented(_ image: Image) -> (Segmentation, seconds: Double) {
    let clock = ContinuousClock(), start = clock.now
    let result = segmenter(image, views: views)
    return (result, (clock.now - start).seconds)
  }

  private func shares(_ labels: Labels) -> [ClassShare] {
    var counts = [Int](repeating: 0, count: segmenter.classes.count)
    for label in labels.values { counts[Int(label)] += 1 }
    return zip(segmenter.classes.names, counts).filter { $0.1 > 0 }.sorted { $0.1 > $1.1 }.map {
      ClassShare(name: $0, share: Double($1) / Double(labels.count))
    }
  }
}
