import SegKernels

/// Video consistency mVC as the VSPW benchmark means it: right, and right for n frames in a row.
///
/// For every window of n frames: of the pixels whose truth is labelled and the same in all n, the share predicted right
/// in all n. The score is the mean over all windows of all videos; a window without such a pixel does not count.
///
/// Miao et al., "VSPW: A Large-scale Dataset for Video Scene Parsing in the Wild", 2021. (Its published script leaves
/// out the last window of each video and asks for a constant prediction instead of a right one.)
public struct VideoConsistency: Sendable, Hashable {
  /// The windows' lengths in frames.
  public let lengths: [Int]
  /// The true label of pixels that do not count.
  public let ignoreIndex: Int?
  /// By length: the sum over windows.
  private var sums: [Double]
  /// By length: the windows that count.
  public private(set) var windows: [Int]
  /// By pixel: for how many frames up to now the truth has been the same label, and the prediction equal to it.
  private var constant: [Int32] = [], right: [Int32] = []
  private var last: Labels?
  /// By length: the score of the window that ends at the last frame; nil where it does not count.
  public private(set) var latest: [Double?] = []

  /// No frames yet. Traps unless all lengths are positive.
  public init(lengths: [Int] = [8, 16], ignoreIndex: Int? = 255) {
    check(lengths.allSatisfy { $0 > 0 }, "VideoConsistency", "expected positive lengths, found \(lengths)")
    self.lengths = lengths
    self.ignoreIndex = ignoreIndex
    sums = lengths.map { _ in 0 }
    windows = lengths.map { _ in 0 }
  }

  /// Begins another video: no window reaches across.
  public mutating func startVideo() { last = nil }

  /// Takes the next frame. Traps if its size is not that of the video.
  public mutating func add(prediction: Labels, truth: Labels) {
    check(
      prediction.shape == truth.shape && last.map { $0.shape == truth.shape } ?? true, "VideoConsistency.add",
      "prediction \(prediction.shape), truth \(truth.shape) and the frames before differ in size")
    if last == nil {
      constant = [Int32](repeating: 0, count: truth.count)
      right = constant
    }
    let before = last ?? truth
    var steady = lengths.map { _ in 0 }, correct = steady
    constant.withUnsafeMutableBufferPointer { constant in
      right.withUnsafeMutableBufferPointer { right in
        prediction.withUnsafeBufferPointer { prediction in
          truth.withUnsafeBufferPointer { truth in
            before.withUnsafeBufferPointer { before in
              for place in truth.indices {
                let isLabelled = Int(truth[place]) != ignoreIndex
                constant[place] = isLabelled ? (truth[place] == before[place] ? constant[place] + 1 : 1) : 0
                right[place] = isLabelled && prediction[place] == truth[place] ? right[place] + 1 : 0
              }
              for (index, length) in lengths.enumerated() {
                for place in truth.indices where constant[place] >= length {
                  steady[index] += 1
                  if right[place] >= length { correct[index] += 1 }
                }
              }
            }
          }
        }
      }
    }
    latest = lengths.indices.map { share(correct[$0], of: steady[$0]) }
    for index in lengths.indices {
      guard let score = latest[index] else { continue }
      sums[index] += score
      windows[index] += 1
    }
    last = truth
  }

  /// Adds the windows of other videos; neither side's video goes on.
  public static func += (a: inout VideoConsistency, b: VideoConsistency) {
    check(a.lengths == b.lengths, "VideoConsistency", "windows of \(a.lengths) and \(b.lengths) frames do not add up")
    for index in a.lengths.indices {
      a.sums[index] += b.sums[index]
      a.windows[index] += b.windows[index]
    }
    a.startVideo()
  }

  /// The score of each length; nil without a window.
  public var scores: [Double?] { zip(sums, windows).map { $1 > 0 ? $0 / Double($1) : nil } }

  /// By length: the sum over windows of their shares.
  package var windowSums: [Double] { sums }
}
