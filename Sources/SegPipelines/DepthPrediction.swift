import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics

/// `segkernels predict` with a model that tells depth: photographs in, depth maps and pictures of them out.
public struct DepthPrediction {
  /// What one photograph gave. Depths are metres, up to a factor where the network's poses were learnt.
  public struct Result: Sendable, Codable {
    /// The photograph.
    public let image: String
    /// Its columns.
    public let width: Int
    /// Its rows.
    public let height: Int
    /// The nearest depth, the median, and the farthest.
    public let nearest, median, farthest: Double
    /// What was written.
    public let files: [String]
    /// Inference, without reading and writing files.
    public let seconds: Double
  }

  private let estimator: DepthEstimator
  private let folder: URL?
  private let size: Pair?
  private let overwrite: Bool

  /// Predictions of an estimator, as files.
  ///
  /// - Parameters:
  ///   - estimator: makes the predictions.
  ///   - folder: where the results go; beside each photograph by default.
  ///   - views: the size that photographs are resized to for the network; by default what it was trained for.
  ///   - overwrite: replace files that exist.
  /// - Throws: `UsageError` for views that make no sense.
  public init(
    _ estimator: DepthEstimator, folder: URL?, views: Segmenter.Views = .init(), overwrite: Bool = false
  ) throws {
    if let problem = views.problem ?? estimator.problem(with: views) { throw UsageError(problem) }
    self.estimator = estimator
    self.folder = folder
    size = views.size
    self.overwrite = overwrite
  }

  /// Tells the depth of one photograph and writes `<stem>_depth.png` (KITTI's 16 bits, 256 a metre) and
  /// `<stem>_depth_color.png` (near is light).
  ///
  /// - Throws: `FileError`; files that exist are refused, before anything is computed, unless overwriting was asked
  /// for.
  public func run(_ photo: URL) throws -> Result {
    let target = folder ?? photo.deletingLastPathComponent()
    let stem = photo.deletingPathExtension().lastPathComponent
    let map = target.appendingPathComponent(stem + "_depth.png")
    let picture = target.appendingPathComponent(stem + "_depth_color.png")
    let image = try Image(contentsOf: photo)
    try refuseExisting([map, picture], overwrite: overwrite)
    try folder?.makeFolder()
    let clock = ContinuousClock(), start = clock.now
    let disparity = estimator(image, size: size)
    let seconds = (clock.now - start).seconds
    let depth = disparity.reciprocal(), sorted = depth.scalars.sorted()
    try DepthFile.write(depth, to: map, overwrite: overwrite)
    try depthPicture(disparity).writePNG(to: picture, overwrite: overwrite)
    return Result(
      image: photo.relativePath, width: image.width, height: image.height, nearest: Double(sorted[0]),
      median: Double(sorted[sorted.count / 2]), farthest: Double(sorted[sorted.count - 1]),
      files: [map.relativePath, picture.relativePath], seconds: seconds)
  }
}

/// A picture of disparities H×W, light where it is near; the lightest is what 5 % of the pixels exceed, so that a few
/// near ones leave the rest its colours.
func depthPicture(_ disparity: Tensor) -> Image {
  let sorted = disparity.scalars.sorted()
  let greatest = sorted.isEmpty ? 1 : sorted[min(sorted.count * 95 / 100, sorted.count - 1)]
  return ColorRamp.heat(disparity, greatest: greatest > 0 ? greatest : 1)
}
