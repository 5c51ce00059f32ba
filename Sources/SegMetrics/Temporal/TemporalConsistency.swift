import SegKernels

/// Temporal consistency of one video: how well the prediction of a frame agrees with that of the frame before, pulled
/// along the optical flow.
///
/// The prediction at t − 1 is pulled to t by the flow t → t − 1, nearest pixel; pixels whose flow leaves the frame or
/// is not known do not count. TC is the mean IoU of one confusion matrix of all pairs of the video, over the classes
/// that occur on either side; it is taken with occluded pixels and without. A data set's TC is the mean over its
/// videos.
///
/// Liu et al., "Efficient Semantic Video Segmentation with Per-frame Inference", 2020, section 4.
public struct TemporalConsistency: Sendable, Hashable {
  /// Pairs of labels where the flow stays in the frame: pulled as truth, current as prediction.
  public private(set) var all: ConfusionMatrix
  /// The same without occluded pixels.
  public private(set) var visible: ConfusionMatrix
  /// Whether every pair said what is occluded.
  public private(set) var knowsOcclusion = true

  private static let missing: Int32 = -1

  /// No frames yet.
  public init(classes: Int) {
    all = ConfusionMatrix(classes: classes, ignoreIndex: nil)
    visible = all
  }

  /// Compares neighbouring frames. Traps if the sizes differ.
  ///
  /// - Parameters:
  ///   - previous: the prediction at t − 1, H×W.
  ///   - current: the prediction at t, H×W.
  ///   - flow: from t to t − 1.
  ///   - occluded: H×W, not 0 where a pixel at t cannot be seen at t − 1, if known.
  public mutating func add(previous: Labels, current: Labels, flow: FlowField, occluded: Labels? = nil) {
    var pulled = flow.pull(previous, missing: TemporalConsistency.missing)
    all.add(prediction: current, truth: pulled)
    guard let occluded else {
      knowsOcclusion = false
      return
    }
    check(
      occluded.count == pulled.count, "TemporalConsistency.add",
      "occlusion \(occluded.shape) and frame \(pulled.shape) differ in size")
    pulled.withUnsafeMutableBufferPointer { pulled in
      occluded.withUnsafeBufferPointer { occluded in
        for place in pulled.indices where occluded[place] != 0 { pulled[place] = TemporalConsistency.missing }
      }
    }
    visible.add(prediction: current, truth: pulled)
  }

  /// TC with occluded pixels counted; nil if no pixel counts.
  public var score: Double? { all.meanIoU().ifFinite }

  /// TC without occluded pixels; nil if no pixel counts, or if occlusion was not given for every pair.
  public var visibleScore: Double? { knowsOcclusion ? visible.meanIoU().ifFinite : nil }

  /// The share of pixels outside occlusions whose label agrees along the flow: with exact flow, what a perfectly
  /// consistent prediction keeps. Nil as ``visibleScore``.
  public var visibleAgreement: Double? { knowsOcclusion ? visible.pixelAccuracy.ifFinite : nil }
}
