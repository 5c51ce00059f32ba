/// The temporal metrics of a data set, as values that can be written down: shares of 1, nil where a score is not
/// defined.
public struct TemporalScores: Sendable, Hashable, Codable {
  /// Consistency with the truth over windows of some length.
  public struct Windowed: Sendable, Hashable, Codable {
    /// The windows' length in frames.
    public let frames: Int
    /// The mean over windows; nil without any.
    public let score: Double?
    /// How many windows count.
    public let windows: Int
  }

  /// What one frame adds, against the frame before it in its video; nil where a score is not defined.
  public struct Frame: Sendable, Hashable, Codable {
    /// The frame's name.
    public let name: String
    /// The share of pixels whose label changed.
    public let labelChangeRate: Double?
    /// TC of the pair of frames, with occluded pixels.
    public let temporalConsistency: Double?
    /// PC of the pair of frames.
    public let perceptualConsistency: Double?
    /// mVC of the windows that end here, by length in the order of ``TemporalScores/videoConsistency``.
    public let videoConsistency: [Double?]

    /// Scores of one frame.
    public init(
      name: String, labelChangeRate: Double?, temporalConsistency: Double?, perceptualConsistency: Double?,
      videoConsistency: [Double?]
    ) {
      self.name = name
      self.labelChangeRate = labelChangeRate
      self.temporalConsistency = temporalConsistency
      self.perceptualConsistency = perceptualConsistency
      self.videoConsistency = videoConsistency
    }
  }

  /// Videos, and frames in all.
  public let videos, frames: Int
  /// The share of pixels that change their label from frame to frame.
  public let labelChangeRate: Double?
  /// TC with occluded pixels, the mean over videos; nil without flow.
  public let temporalConsistency: Double?
  /// TC without them; nil unless it is known what is occluded.
  public let visibleTemporalConsistency: Double?
  /// The share of pixels that agree along the flow outside occlusions, the mean over videos.
  public let visibleAgreement: Double?
  /// mVC by length; empty without truth.
  public let videoConsistency: [Windowed]
  /// PC: the mean over pairs of neighbouring frames, then over videos; nil without frames to look at.
  public let perceptualConsistency: Double?
  /// Frame by frame.
  public let perFrame: [Frame]

  /// Reads the scores off the counts.
  ///
  /// - Parameters:
  ///   - frames: how many frames were looked at.
  ///   - videos: how many videos they are of.
  ///   - changes: counts of changed labels.
  ///   - consistency: one a video; none without flow.
  ///   - windows: nil without truth.
  ///   - perceptual: PC of each video; none without frames to look at.
  ///   - perFrame: scores of each frame.
  public init(
    frames: Int, videos: Int, changes: LabelChanges, consistency: [TemporalConsistency], windows: VideoConsistency?,
    perceptual: [Double?] = [], perFrame: [Frame] = []
  ) {
    perceptualConsistency = perceptual.meanOfKnown
    self.perFrame = perFrame
    self.frames = frames
    self.videos = videos
    labelChangeRate = changes.rate
    temporalConsistency = consistency.map(\.score).meanOfKnown
    visibleTemporalConsistency = consistency.map(\.visibleScore).meanOfKnown
    visibleAgreement = consistency.map(\.visibleAgreement).meanOfKnown
    videoConsistency =
      windows.map { windows in
        windows.lengths.indices.map {
          Windowed(frames: windows.lengths[$0], score: windows.scores[$0], windows: windows.windows[$0])
        }
      } ?? []
  }
}
