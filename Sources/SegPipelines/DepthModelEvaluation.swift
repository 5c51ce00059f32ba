import SegData
import SegImages
import SegKernels
import SegMetrics

/// `segkernels evaluate` of a model that tells depth: the errors on a data set.
public struct DepthModelEvaluation: Sendable, Codable {
  /// The model's full name.
  public let model: String
  /// The kind of data.
  public let data: String
  /// The part of the data.
  public let split: String
  /// The errors, and how images were scored.
  public let scores: DepthScores
  /// Inference, without reading files.
  public let secondsPerImage: Double

  /// Scores an estimator on every frame of a split that has a true depth, at the depth's own size.
  ///
  /// - Parameters:
  ///   - estimator: makes the predictions.
  ///   - source: the data set.
  ///   - split: the split's name.
  ///   - rules: crop, caps, and whether predictions are scaled to the truth's median.
  ///   - views: how photographs are looked at.
  ///   - report: called with the number of frames done.
  /// - Throws: `UsageError` for data without depth and views that make no sense, and what reading the data throws.
  public init(
    _ estimator: DepthEstimator, on source: DataSource, split: String, rules: DepthProtocol,
    views: Segmenter.Views = .init(), _ report: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws {
    if let problem = views.problem ?? estimator.problem(with: views) { throw UsageError(problem) }
    let frames = try DepthFrames(source, split: split, size: estimator.size(views.size))
    var evaluation = DepthEvaluation(rules), inference = Duration.zero, measured = 0
    let clock = ContinuousClock()
    for index in 0..<frames.count {
      let (image, depth) = try frames.frame(index)
      if let depth {
        var disparity: Tensor?
        inference += clock.measure { disparity = estimator.disparity(image, size: views.size) }
        evaluation.add(disparity: disparity!, truth: depth)
        measured += 1
      }
      report(index + 1, frames.count)
    }
    model = estimator.loaded.model.name.rawValue
    data = source.kind
    self.split = split
    scores = DepthScores(evaluation)
    secondsPerImage = inference.seconds / Double(max(measured, 1))
  }
}

/// Pictures with their true depth, as a data source has them.
struct DepthFrames {
  let count: Int
  /// A picture, and its depth H×W in metres, 0 where it is not known; nil where nothing was measured.
  let frame: (Int) throws -> (image: Image, depth: Tensor?)

  /// - Parameter size: of streets, which are rendered: the middle frame of each of 24 clips of three.
  /// - Throws: `UsageError` for data without depth, `FileError` for missing files.
  init(_ source: DataSource, split: String, size: Pair) throws {
    if let streets = source.streets(split: split, size: size) {
      count = 24
      frame = { index in
        let frame = streets.clip(at: index, frames: 3).frame(at: 1)
        return (frame.image, frame.depth)
      }
      return
    }
    switch try source.frames(split: split) {
    case let drive as any KITTIDrive:
      count = drive.count
      frame = { (try drive.image(at: $0), try drive.depth(at: $0)) }
    case let single as KITTIObject:
      count = single.count
      frame = { (try single.image(at: $0), try single.depth(at: $0)) }
    default:
      throw UsageError(
        "expected data with depth (streets, kitti-odometry, kitti-raw, kitti-object), found '\(source.kind)'")
    }
  }
}
