import SegData
import SegKernels
import SegMetrics

/// `segkernels evaluate` of a model that finds things: panoptic quality on a data set.
public struct PanopticEvaluation: Sendable, Codable {
  /// The model's full name.
  public let model: String
  /// The kind of data.
  public let data: String
  /// The part of the data.
  public let split: String
  /// How many images were scored.
  public let images: Int
  /// PQ, SQ and RQ over all categories, things and stuff, and category by category.
  public let scores: PanopticScores
  /// Inference and post-processing, without reading files.
  public let secondsPerImage: Double

  /// Scores a segmenter on every sample of a split, at the sample's own size.
  ///
  /// - Parameters:
  ///   - segmenter: makes the predictions.
  ///   - source: the data set.
  ///   - split: the split's name.
  ///   - views: how photographs are looked at.
  ///   - report: called with the number of images done.
  /// - Throws: `UsageError` if the data do not tell things apart, their categories are not the model's, or the views make
  ///   no sense, and what reading the data throws.
  public init(
    _ segmenter: PanopticSegmenter, on source: DataSource, split: String, views: Segmenter.Views = .init(),
    _ report: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws {
    if let problem = views.problem ?? segmenter.problem(with: views) { throw UsageError(problem) }
    let dataset = try source.dataset(split: split, keepsInstances: true)
    guard let categories = dataset.categories else {
      throw UsageError("expected data whose things are told apart, found \(source.kind), whose are not")
    }
    guard categories == segmenter.categories else {
      throw UsageError(
        "the weights know \(segmenter.categories.count) categories, \(source.kind) has others: "
          + categories.map(\.name).joined(separator: ", "))
    }
    var quality = PanopticQuality(categories: categories), inference = Duration.zero
    let clock = ContinuousClock()
    for index in 0..<dataset.count {
      let sample = try dataset.sample(at: index)
      guard let instances = sample.instances else { continue }
      var found: PanopticLabels?
      inference += clock.measure { found = segmenter(sample.image, size: views.size) }
      quality.add(
        prediction: PanopticSegmentation(found!, categories: categories),
        truth: PanopticSegmentation(labels: sample.labels, instances: instances, categories: categories))
      report(index + 1, dataset.count)
    }
    model = segmenter.loaded.model.name.rawValue
    data = source.kind
    self.split = split
    images = dataset.count
    scores = PanopticScores(quality)
    secondsPerImage = inference.seconds / Double(max(dataset.count, 1))
  }
}
