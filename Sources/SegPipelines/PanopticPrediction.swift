import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics

/// `segkernels predict` with a model that finds things: photographs in, outlined things and COCO's panoptic files out.
public final class PanopticPrediction {
  /// A thing or a region of stuff.
  public struct FoundSegment: Sendable, Codable {
    /// The value of its pixels in the PNG.
    public let id: Int32
    /// The category's name.
    public let category: String
    /// Whether it is a thing.
    public let isThing: Bool
    /// Share of the pixels.
    public let share: Double
  }

  /// What one photograph gave.
  public struct Result: Sendable, Codable {
    /// The photograph.
    public let image: String
    /// Its columns.
    public let width: Int
    /// Its rows.
    public let height: Int
    /// What was found, the largest first.
    public let segments: [FoundSegment]
    /// What was written.
    public let files: [String]
    /// Inference and post-processing, without reading and writing files.
    public let seconds: Double
  }

  private let segmenter: PanopticSegmenter
  private let folder: URL
  private let size: Pair?
  private let overwrite: Bool
  private let writer: COCOPanopticWriter

  /// Predictions of things and classes, as files.
  ///
  /// - Parameters:
  ///   - segmenter: makes the predictions.
  ///   - folder: where `panoptic.json`, the folder `panoptic` of PNGs and the overlays go.
  ///   - views: the size that photographs are resized to for the network; their own by default.
  ///   - overwrite: replace files that exist.
  /// - Throws: `UsageError` for views that make no sense, `FileError` if `panoptic.json` exists and may not be replaced.
  public init(
    _ segmenter: PanopticSegmenter, folder: URL, views: Segmenter.Views = .init(), overwrite: Bool = false
  ) throws {
    if let problem = views.problem ?? segmenter.problem(with: views) { throw UsageError(problem) }
    self.segmenter = segmenter
    self.folder = folder
    size = views.size
    self.overwrite = overwrite
    try folder.makeFolder()
    writer = try COCOPanopticWriter(
      folder.appendingPathComponent("panoptic.json"), categories: segmenter.categories, overwrite: overwrite)
  }

  /// Finds the things of one photograph and writes `<stem>_overlay.png` and `panoptic/<stem>.png`.
  ///
  /// - Throws: `FileError`.
  public func run(_ photo: URL) throws -> Result {
    let stem = photo.deletingPathExtension().lastPathComponent
    let drawing = folder.appendingPathComponent(stem + "_overlay.png")
    let image = try Image(contentsOf: photo)
    try refuseExisting([drawing], overwrite: overwrite)
    let clock = ContinuousClock(), start = clock.now
    let found = segmenter(image, size: size)
    let seconds = (clock.now - start).seconds
    let segmentation = PanopticSegmentation(found, categories: segmenter.categories)
    let picture = try writer.add(segmentation, image: stem, photo: photo.lastPathComponent, file: stem + ".png")
    try panopticOverlay(
      image: image, labels: found.labels, instances: found.instances, palette: segmenter.classes.palette
    ).writePNG(to: drawing, overwrite: overwrite)
    return Result(
      image: photo.relativePath, width: image.width, height: image.height, segments: segments(segmentation),
      files: [drawing.relativePath, picture.relativePath], seconds: seconds)
  }

  /// Writes `panoptic.json`, once all photographs are done.
  ///
  /// - Returns: the file.
  public func finish() throws -> URL {
    try writer.finish()
    return folder.appendingPathComponent("panoptic.json")
  }

  private func segments(_ segmentation: PanopticSegmentation) -> [FoundSegment] {
    var areas: [Int32: Int] = [:]
    for id in segmentation.ids.values { areas[id, default: 0] += 1 }
    let categories = Dictionary(uniqueKeysWithValues: segmenter.categories.map { ($0.id, $0) })
    return segmentation.segments.map { segment in
      FoundSegment(
        id: segment.id, category: categories[segment.category]!.name, isThing: categories[segment.category]!.isThing,
        share: Double(areas[segment.id] ?? 0) / Double(segmentation.ids.count))
    }.sorted { $0.share > $1.share }
  }
}
