import Foundation
import Glibc
import SegAuxAdapt
import SegFiles
import SegImages
import SegKernels
import SegMetrics
import SegONNX
import SegPerceptualConsistency
import SegTraining

/// `segkernels video`: a Y4M stream in, the segmented stream out, frame by frame, adapting on the way if that is asked for.
public struct VideoSegmentation {
  /// What is written.
  public enum Output: String, Sendable, Hashable, CaseIterable {
    /// The frames with their labels laid over, in the stream's own format.
    case overlay
    /// A grey stream whose samples are the labels.
    case labels
  }

  /// What is known when a stream has ended.
  public struct Summary: Sendable, Codable {
    /// Frames that were written.
    public var frames = 0
    /// Seconds in all, waiting for the stream included.
    public var seconds = 0.0
    /// Seconds of segmentation (and adaptation) alone.
    public var segmentationSeconds = 0.0
    /// The share of pixels that change their label from frame to frame.
    public var labelChangeRate: Double?
    /// TC by the flow of `DenseInverseSearch`, if it was asked for.
    public var temporalConsistency: Double?
    /// The mean PC of neighbouring frames, if it was asked for.
    public var perceptualConsistency: Double?
    /// Steps of the adaptation; nil without.
    public var updates: Int?
    /// When and why the AuxNet went back to its start.
    public var restarts: [AuxAdapter.Restart] = []
    /// Whether whoever read the result went before the end.
    public var isReaderGone = false
  }

  private let segmenter: Segmenter
  private let adapter: AuxAdapter?
  private let output: Output
  private let consistency: ConsistencyMeter?

  /// A segmentation of a stream.
  ///
  /// - Parameters:
  ///   - model: MainNet.
  ///   - auxiliary: the AuxNet, and how it adapts; nil for the model alone.
  ///   - output: what the stream that is written shows.
  ///   - features: with them TC and PC are measured on the way, which takes longer than segmenting.
  /// - Throws: `UsageError` where the networks do not make a pair.
  public init(
    _ model: LoadedModel, auxiliary: (model: LoadedModel, configuration: AuxAdaptConfiguration)? = nil,
    output: Output = .overlay, features: FeatureNetwork? = nil
  ) throws {
    segmenter = try Segmenter(model)
    self.output = output
    consistency = features.map { ConsistencyMeter(classes: model.card.classes.count, FeatureExtractor($0)) }
    guard let auxiliary else {
      adapter = nil
      return
    }
    let other = auxiliary.model
    if let file = [model, other].first(where: { $0.model.network is ONNXNetwork }) {
      throw UsageError("'\(file.model.name)' is run as it is: expected models of the package to adapt with")
    }
    if let problem = auxiliary.configuration.problem { throw UsageError(problem) }
    guard other.model.output == .segmentation, other.card.classes.names == model.card.classes.names else {
      throw UsageError(
        "'\(other.model.name)' and '\(model.model.name)' do not make a pair: expected the same classes, found "
          + "\(other.card.classes.count) and \(model.card.classes.count)")
    }
    guard auxiliary.configuration.classWeights.map({ $0.count == model.card.classes.count }) ?? true else {
      throw UsageError("expected \(model.card.classes.count) class weights")
    }
    adapter = AuxAdapter(
      main: model.model.network, auxiliary: other.model.network, normalization: model.card.normalization,
      divisor: max(model.model.divisor, other.model.divisor), auxiliary.configuration)
  }

  /// Segments the stream until it ends, or until whoever reads the result goes.
  ///
  /// - Parameters:
  ///   - source: an open file or pipe to read Y4M from.
  ///   - target: one to write Y4M to.
  ///   - report: called after every frame with the frames done and the frames a second.
  /// - Throws: `FileError` where the stream is cut off, damaged, or changes its size; the frames before are written.
  public func run(
    from source: Int32, to target: Int32, _ report: (_ frames: Int, _ rate: Double) -> Void = { _, _ in }
  ) throws -> Summary {
    // A write to a pipe that nobody reads is an answer, not a signal.
    signal(SIGPIPE, SIG_IGN)
    var summary = Summary()
    let clock = ContinuousClock(), begin = clock.now
    do {
      try segment(source, target, &summary) { report($0, Double($0) / max((clock.now - begin).seconds, 1e-9)) }
    } catch is Y4MWriter.ReaderGone {
      summary.isReaderGone = true
    }
    adapter?.finish()
    summary.seconds = (clock.now - begin).seconds
    summary.updates = adapter?.updates
    summary.restarts = adapter?.restarts ?? []
    return summary
  }

  private func segment(_ source: Int32, _ target: Int32, _ summary: inout Summary, _ report: (Int) -> Void) throws {
    let reader = try Y4MReader(descriptor: source, name: "standard input")
    var header = reader.header
    if output == .labels {
      header.chroma = .mono
      header.isFullRange = true
    }
    let writer = try Y4MWriter(header, descriptor: target, name: "standard output")
    let clock = ContinuousClock()
    var changes = LabelChanges(), last: Labels?
    while let frame = try reader.next() {
      let image = frame.image
      if frame.startsStream {
        adapter?.startClip()
        consistency?.startVideo()
        last = nil
      }
      let start = clock.now
      let labels = adapter.map { $0(image).labels } ?? segmenter(image).labels
      summary.segmentationSeconds += (clock.now - start).seconds
      switch output {
      case .overlay: try writer.write(overlay(image: image, labels: labels, palette: segmenter.classes.palette))
      case .labels: try writer.write(labels)
      }
      if let last { changes.add(previous: last, current: labels) }
      last = labels
      consistency?.add(image, labels)
      summary.frames += 1
      summary.labelChangeRate = changes.rate
      summary.temporalConsistency = consistency?.temporal
      summary.perceptualConsistency = consistency?.perceptual
      report(summary.frames)
    }
  }
}

/// TC and PC of a video while it runs, its flow estimated from the frames.
final class ConsistencyMeter {
  private let extractor: FeatureExtractor
  private let search = DenseInverseSearch()
  private let classes: Int
  private var consistency: TemporalConsistency
  private var scores: [Double] = []
  private var last: (image: Image, labels: Labels, features: Tensor)?

  init(classes: Int, _ extractor: FeatureExtractor) {
    self.classes = classes
    self.extractor = extractor
    consistency = TemporalConsistency(classes: classes)
  }

  /// The next frame has none before it.
  func startVideo() { last = nil }

  func add(_ image: Image, _ labels: Labels) {
    let features = extractor(image)
    if let last {
      consistency.add(previous: last.labels, current: labels, flow: search(from: image, to: last.image))
      scores.append(PerceptualConsistency.scorer(last.features, features)(last.labels, labels))
    }
    last = (image, labels, features)
  }

  var temporal: Double? { consistency.score }
  var perceptual: Double? { scores.mean }
}
