import SegData
import SegImages
import SegKernels
import SegMetrics

/// `segkernels evaluate`: a model's scores on a data set.
public struct Evaluation: Sendable, Codable {
  /// The score of one class; nil where it occurs neither in truth nor in prediction.
  public struct ClassScore: Sendable, Codable {
    /// The class.
    public let name: String
    /// TP / (TP + FP + FN).
    public let iou: Double?
    /// TP / (TP + FN).
    public let accuracy: Double?
  }

  /// The model's full name.
  public let model: String
  /// The kind of data.
  public let data: String
  /// The part of the data.
  public let split: String
  /// How many images were scored.
  public let images: Int
  /// Ignored pixels left out.
  public let meanIoU: Double
  /// Ignored pixels counted as false positives of what was predicted there.
  public let meanIoUVoidCounted: Double
  /// The share of labelled pixels that are right.
  public let pixelAccuracy: Double
  /// The mean of the classes' accuracies.
  public let meanClassAccuracy: Double
  /// IoU weighted by how frequent each class is.
  public let frequencyWeightedIoU: Double
  /// The scores class by class.
  public let classes: [ClassScore]
  /// Inference alone, without reading files.
  public let secondsPerImage: Double

  /// Scores a segmenter on every sample of a split.
  ///
  /// - Parameters:
  ///   - segmenter: makes the predictions.
  ///   - source: the data set.
  ///   - split: the split's name.
  ///   - views: how photographs are looked at.
  ///   - report: called with the number of images done.
  /// - Throws: `UsageError` if the model's classes are neither the data's nor known to count as theirs or the views make
  ///   no sense, and what reading the data throws.
  public init(
    _ segmenter: Segmenter, on source: DataSource, split: String, views: Segmenter.Views = .init(),
    _ report: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws {
    if let problem = views.problem ?? segmenter.problem(with: views) { throw UsageError(problem) }
    guard !segmenter.isResolutionFree || views.size == nil else {
      throw UsageError(
        "'\(segmenter.loaded.model.name)' answers at the size itself: expected no size, since the truth has its own")
    }
    let dataset = try source.dataset(split: split)
    let table = dataset.classes
    guard let translation = segmenter.classes.translationOrNumbers(to: table) else {
      throw UsageError(
        "the weights know \(segmenter.classes.count) classes, \(source.kind) has \(table.count): \(table.names.joined(separator: ", "))"
      )
    }
    let isIdentity = translation == (0..<table.count).map(Int32.init)
    var matrix = ConfusionMatrix(classes: table.count, ignoreIndex: table.ignoreIndex.map(Int.init))
    let clock = ContinuousClock()
    var inference = Duration.zero
    for index in 0..<dataset.count {
      let sample = try dataset.sample(at: index)
      var labels: Labels?
      inference += clock.measure { labels = segmenter(sample.image, views: views).labels }
      if !isIdentity { labels = Labels(labels!.shape, labels!.values.map { translation[Int($0)] }) }
      matrix.add(prediction: labels!, truth: sample.labels)
      report(index + 1, dataset.count)
    }
    model = segmenter.loaded.model.name.rawValue
    data = source.kind
    self.split = split
    images = dataset.count
    meanIoU = matrix.meanIoU()
    meanIoUVoidCounted = matrix.meanIoU(void: .falsePositive)
    pixelAccuracy = matrix.pixelAccuracy
    meanClassAccuracy = matrix.meanClassAccuracy
    frequencyWeightedIoU = matrix.frequencyWeightedIoU
    classes = zip(table.names, zip(matrix.iou(), matrix.classAccuracy)).map {
      ClassScore(name: $0, iou: $1.0, accuracy: $1.1)
    }
    secondsPerImage =
      inference.seconds
      / Double(max(dataset.count, 1))
  }
}
