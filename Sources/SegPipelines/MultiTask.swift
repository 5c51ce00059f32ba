import Foundation
import SegData
import SegImages
import SegInverseForm
import SegKernels
import SegMetrics

/// `segkernels evaluate` of a model that tells classes and depth: both scores on one data set.
public struct MultiTaskEvaluation: Sendable, Codable {
  /// Of the classes.
  public let segmentation: Evaluation
  /// The errors of the depth; nil for data without.
  public let depth: DepthScores?

  /// Scores a model on every sample of a split, depth at its own size.
  ///
  /// - Parameters:
  ///   - loaded: makes the predictions.
  ///   - source: the data set.
  ///   - split: the split's name.
  ///   - rules: of depth: crop, caps, and whether predictions are scaled to the truth's median.
  ///   - views: how photographs are looked at.
  ///   - report: called with the number of images done, of both tasks together.
  /// - Throws: `UsageError` if the classes do not fit or the views make no sense, and what reading the data throws.
  public init(
    _ loaded: LoadedModel, on source: DataSource, split: String, rules: DepthProtocol,
    views: Segmenter.Views = .init(), _ report: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws {
    let segmenter = try Segmenter(loaded), estimator = try DepthEstimator(loaded)
    if let problem = views.problem ?? estimator.problem(with: views) { throw UsageError(problem) }
    segmentation = try Evaluation(segmenter, on: source, split: split, views: views) { report($0, 2 * $1) }
    guard source.hasDepth else {
      depth = nil
      return
    }
    let dataset = try source.dataset(split: split, keepsDepth: true)
    var evaluation = DepthEvaluation(rules)
    for index in 0..<dataset.count {
      let sample = try dataset.sample(at: index)
      if let truth = sample.depth {
        evaluation.add(disparity: estimator.disparity(sample.image, size: views.size), truth: truth)
      }
      report(dataset.count + index + 1, 2 * dataset.count)
    }
    depth = DepthScores(evaluation)
  }
}

/// `segkernels predict` with a model that tells classes and depth: the files of both.
public struct MultiTaskPrediction {
  /// What one photograph gave.
  public struct Result: Sendable, Codable {
    /// Its classes.
    public let segmentation: Prediction.Result
    /// Its depth.
    public let depth: DepthPrediction.Result
  }

  private let segmentation: Prediction
  private let depth: DepthPrediction

  /// Predictions of a model of classes and depth, as files.
  ///
  /// - Parameters:
  ///   - loaded: makes the predictions.
  ///   - folder: where the results go; beside each photograph by default.
  ///   - views: the size that photographs are resized to; by default their own.
  ///   - extras: which files are written beside the labels.
  ///   - overwrite: replace files that exist.
  /// - Throws: `UsageError` for views that make no sense.
  public init(
    _ loaded: LoadedModel, folder: URL?, views: Segmenter.Views = .init(), extras: Prediction.Extras = .init(),
    overwrite: Bool = false
  ) throws {
    depth = try DepthPrediction(DepthEstimator(loaded), folder: folder, views: views, overwrite: overwrite)
    segmentation = try Prediction(
      Segmenter(loaded), folder: folder, views: views, extras: extras, overwrite: overwrite)
  }

  /// Writes one photograph's `<stem>_labels.png`, `<stem>_overlay.png`, `<stem>_depth.png`, `<stem>_depth_color.png`
  /// and the extras.
  ///
  /// - Throws: `FileError`.
  public func run(_ photo: URL) throws -> Result {
    Result(segmentation: try segmentation.run(photo), depth: try depth.run(photo))
  }
}
