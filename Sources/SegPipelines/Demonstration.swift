import Foundation
import SegData
import SegFiles
import SegImages
import SegKernels
import SegMetrics
import SegPretrained

/// `scripts/demo`: streets that the bundled network never saw, rendered, segmented and compared with the truth.
public struct Demonstration: Sendable {
  /// The contact sheet, and for the first frames photograph, labels, overlay and errors.
  public let files: [String]
  /// IoU by class name; nil where a class does not occur.
  public let scores: [(name: String, iou: Double?)]
  /// The mean of the scores.
  public let meanIoU: Double
  /// Frames that were scored.
  public let frames: Int
  /// Seconds a frame: rendering, and segmenting.
  public let secondsToRender: Double
  /// See ``secondsToRender``.
  public let secondsToSegment: Double

  /// Frames of which pictures are written one by one; as many again are on the sheet.
  private static let pictured = 3

  /// Renders streets, segments them with the bundled weights, and scores the result.
  ///
  /// - Parameters:
  ///   - folder: for the pictures; those of an earlier demonstration are replaced.
  ///   - count: how many frames.
  ///   - report: called with the number of frames done.
  /// - Throws: `FileError` if the pictures cannot be written.
  public init(
    in folder: URL, frames count: Int = 24, _ report: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws {
    try folder.makeFolder()
    let segmenter = try Segmenter(weights: .bundled(.streets))
    let streets = StreetScenes(split: "test"), table = streets.classes, palette = table.palette
    var matrix = ConfusionMatrix(classes: table.count, ignoreIndex: table.ignoreIndex.map(Int.init))
    var sheet: [Image] = [], files: [URL] = []
    let clock = ContinuousClock()
    var (rendering, segmenting) = (Duration.zero, Duration.zero)
    var frames: [StreetFrame] = []
    rendering += clock.measure { frames = streets.frames(at: Array(0..<count)) }
    for (index, frame) in frames.enumerated() {
      let image = frame.image, truth = frame.labels
      var labels: Labels?
      segmenting += clock.measure { labels = segmenter(image).labels }
      matrix.add(prediction: labels!, truth: truth)
      report(index + 1, count)
      guard index < 2 * Demonstration.pictured else { continue }
      let overlaid = overlay(image: image, labels: labels!, palette: palette)
      let errors = errorMap(prediction: labels!, truth: truth, ignoreIndex: table.ignoreIndex)
      sheet += [image, Image(truth, palette: palette), overlaid, errors]
      guard index < Demonstration.pictured else { continue }
      func file(_ suffix: String) -> URL { folder.appendingPathComponent("street\(index + 1)_\(suffix).png") }
      try image.writePNG(to: file("image"), overwrite: true)
      try labels!.writeIndexedPNG(to: file("labels"), palette: palette, overwrite: true)
      try overlaid.writePNG(to: file("overlay"), overwrite: true)
      try errors.writePNG(to: file("errors"), overwrite: true)
      files += ["image", "labels", "overlay", "errors"].map(file)
    }
    let sheetFile = folder.appendingPathComponent("sheet.png")
    try contactSheet(sheet, columns: 4).writePNG(to: sheetFile, overwrite: true)
    self.files = ([sheetFile] + files).map(\.relativePath)
    scores = zip(table.names, matrix.iou()).map { ($0, $1) }
    meanIoU = matrix.meanIoU()
    self.frames = count
    secondsToRender = rendering.seconds / Double(max(count, 1))
    secondsToSegment = segmenting.seconds / Double(max(count, 1))
  }
}
