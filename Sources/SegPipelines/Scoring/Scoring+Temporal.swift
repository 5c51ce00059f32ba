import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics

extension Scoring {
  /// Consistency of label maps over time. Frames of a folder are one video, in the order of their names.
  ///
  /// - Parameters:
  ///   - truth: for mVC.
  ///   - flow: for TC: a folder with a file (`.flo` or KITTI's PNG) for each frame but a video's first, of the frame's
  ///     name, with the flow from that frame to the one before.
  ///   - occlusion: a folder of PNGs named alike, not 0 where a pixel cannot be seen in the frame before.
  ///   - pictures: for PC, for its pictures (of the prediction, not of the system it is compared with), and for TC by
  ///     estimated flow where none is given.
  ///   - report: called with what is done.
  public func temporal(
    truth: URL?, flow: URL? = nil, occlusion: URL? = nil, frames pictures: Frames? = nil,
    _ report: Report = { _, _ in }
  ) throws -> Result<TemporalScores> {
    if occlusion != nil && flow == nil { throw UsageError("occlusion is of use with flow only") }
    // Without truth, predictions stand in for it so that names are paired and sizes compared in one way.
    let pairs = try ([prediction] + [against].compactMap { $0 }).map {
      try FilePairs(prediction: $0, truth: truth ?? prediction).pairs
    }
    let count = try classCount(pairs.flatMap { $0.flatMap { [$0.prediction, $0.truth] } })
    let motion = try Motion(flow: flow, occlusion: occlusion)
    let hasFlow = flow != nil || pictures != nil, hasTruth = truth != nil
    return try result(Video.statistics) { system in
      let frames = pairs[system.index]
      var videos: [Video] = [], perFrame: [TemporalScores.Frame] = []
      let perceptual = try pictures.map(PerceptualScoring.init)
      for (index, frame) in frames.enumerated() {
        let startsVideo = index == 0 || frames[index - 1].folder != frame.folder
        if startsVideo { videos.append(Video(classes: count, ignoreIndex: ignoreIndex)) }
        let (prediction, truth) = try labels(frame, classes: count)
        if let last = videos[videos.count - 1].last {
          try requireSize(prediction.shape, of: frame.prediction, like: last.shape, of: frames[index - 1].prediction)
        }
        if startsVideo { perceptual?.startVideo() }
        let looks = try perceptual?.add(
          frame.name, prediction, prediction: frame.prediction, estimatesFlow: flow == nil,
          isPictured: system.index == 0)
        let given = startsVideo ? nil : try motion.fields(of: frame, shape: prediction.shape)
        let field = given ?? looks?.flow.map { (flow: $0, occluded: nil as Labels?) }
        perFrame.append(
          videos[videos.count - 1].add(
            prediction, truth: truth, field, looks?.score, name: frame.name, hasTruth: hasTruth))
        system.report(index + 1, of: frames.count, report)
      }
      var windows = VideoConsistency(ignoreIndex: ignoreIndex), changes = LabelChanges()
      for video in videos {
        windows += video.windows
        changes += video.changes
      }
      if system.index == 0 { try perceptual?.drawTimeline(perFrame, lengths: hasTruth ? windows.lengths : []) }
      return Outcome(
        scores: TemporalScores(
          frames: frames.count, videos: videos.count, changes: changes,
          consistency: hasFlow ? videos.filter { $0.changes.pixels > 0 }.map(\.consistency) : [],
          windows: hasTruth ? windows : nil, perceptual: videos.map(\.perceptual.mean), perFrame: perFrame),
        contributions: videos.map { $0.sums(hasFlow: hasFlow, hasTruth: hasTruth) }, images: frames.count)
    }
  }

  /// One video's counts.
  private struct Video {
    var consistency: TemporalConsistency
    var windows: VideoConsistency
    var changes = LabelChanges()
    /// PC of each pair of neighbouring frames.
    var perceptual: [Double] = []
    var last: Labels?

    init(classes: Int, ignoreIndex: Int) {
      consistency = TemporalConsistency(classes: classes)
      windows = VideoConsistency(ignoreIndex: ignoreIndex)
    }

    /// Takes the next frame; what it adds.
    mutating func add(
      _ prediction: Labels, truth: Labels, _ field: (flow: FlowField, occluded: Labels?)?, _ perceptual: Double?,
      name: String, hasTruth: Bool
    ) -> TemporalScores.Frame {
      var (pair, changed) = (TemporalConsistency(classes: consistency.all.classes), LabelChanges())
      if let last {
        changed.add(previous: last, current: prediction)
        changes += changed
        if let field {
          consistency.add(previous: last, current: prediction, flow: field.flow, occluded: field.occluded)
          pair.add(previous: last, current: prediction, flow: field.flow)
        }
      }
      if let perceptual { self.perceptual.append(perceptual) }
      windows.add(prediction: prediction, truth: truth)
      last = prediction
      return TemporalScores.Frame(
        name: name, labelChangeRate: changed.rate, temporalConsistency: pair.score, perceptualConsistency: perceptual,
        videoConsistency: hasTruth ? windows.latest : [])
    }

    /// Pairs of a sum and what it is divided by, in the order of ``statistics``.
    func sums(hasFlow: Bool, hasTruth: Bool) -> [Double] {
      func once(_ score: Double?) -> [Double] { hasFlow ? score.map { [$0, 1] } ?? [0, 0] : [0, 0] }
      return once(consistency.score) + once(consistency.visibleScore)
        + windows.lengths.indices.flatMap {
          hasTruth ? [windows.windowSums[$0], Double(windows.windows[$0])] : [0, 0]
        } + [Double(changes.changed), Double(changes.pixels)]
        + (perceptual.mean.map { [$0, 1] } ?? [0, 0])
    }

    static let statistics = [
      ("temporalConsistency", true), ("visibleTemporalConsistency", true), ("mVC8", true), ("mVC16", true),
      ("labelChangeRate", false), ("perceptualConsistency", true),
    ].enumerated().map { index, statistic in
      Statistic(name: statistic.0, higherIsBetter: statistic.1) { sums in
        sums[2 * index + 1] > 0 ? sums[2 * index] / sums[2 * index + 1] : nil
      }
    }
  }

  /// Where the flow and the occlusion of frames lie.
  private struct Motion {
    private let flow, occlusion: [String: URL]?

    init(flow: URL?, occlusion: URL?) throws {
      self.flow = try flow.map { try FilePairs.named(in: $0, extensions: ["flo", "png"]) }
      self.occlusion = try occlusion.map { try FilePairs.named(in: $0, extensions: ["png"]) }
    }

    func fields(of frame: FilePairs.Pair, shape: Shape) throws -> (flow: FlowField, occluded: Labels?)? {
      guard let flow else { return nil }
      func file(_ files: [String: URL], _ what: String) throws -> URL {
        guard let url = files[frame.name] else {
          throw FileError(
            path: frame.prediction.relativePath, kind: .missing,
            problem: "expected a file of \(what) named \(frame.name.quoted), found none")
        }
        return url
      }
      func require(_ height: Int, _ width: Int, _ url: URL) throws {
        guard shape.suffix(2) == [height, width] else {
          throw FileError(
            path: url.relativePath, problem: "expected \(shape[-2])×\(shape[-1]) pixels, found \(height)×\(width)")
        }
      }
      let url = try file(flow, "flow"), field = try FlowField(contentsOf: url)
      try require(field.height, field.width, url)
      let occluded = try occlusion.map { files in
        let url = try file(files, "occlusion"), labels = try Labels(contentsOf: url)
        try require(labels.shape[-2], labels.shape[-1], url)
        return labels
      }
      return (field, occluded)
    }
  }
}
