import SegKernels

/// Which pixels of a depth map are scored, and what is done to a prediction first.
public struct DepthProtocol: Sendable, Hashable, Codable {
  /// The part of the image that counts.
  public enum Crop: String, Sendable, Hashable, Codable, CaseIterable {
    /// All of it.
    case none
    /// Rows ⌊0.40810811 H⌋ to ⌊0.99189189 H⌋ and columns ⌊0.03594771 W⌋ to ⌊0.96405229 W⌋, the ends left out: where
    /// KITTI's laser reaches (Garg et al., 2016).
    case garg
    /// The middle rows, half as many as there are columns: what networks for wide pictures are shown of Make3D's tall
    /// ones (Godard et al., 2017). All rows where there are no more.
    case make3D = "make3d"
  }

  /// Metres: true depths strictly between the two count, and predictions are cut to them.
  public let least, most: Double
  /// The part of the image that counts.
  public let crop: Crop
  /// Whether a prediction is first multiplied by median(truth) / median(prediction), for networks that know no scale.
  public let scalesByMedian: Bool

  /// A protocol. Traps unless 0 < least < most.
  public init(least: Double, most: Double, crop: Crop, scalesByMedian: Bool) {
    check(0 < least && least < most, "DepthProtocol", "expected 0 < least < most, found \(least) and \(most)")
    self.least = least
    self.most = most
    self.crop = crop
    self.scalesByMedian = scalesByMedian
  }

  /// KITTI as monocular depth papers score it: 1 mm to 80 m in Garg's crop.
  public static func kitti(scalesByMedian: Bool) -> DepthProtocol {
    DepthProtocol(least: 1e-3, most: 80, crop: .garg, scalesByMedian: scalesByMedian)
  }

  /// KITTI's caps, 1 mm to 80 m, over the whole image: of streets, and of data that have no crop of their own.
  public static func uncropped(scalesByMedian: Bool) -> DepthProtocol {
    DepthProtocol(least: 1e-3, most: 80, crop: .none, scalesByMedian: scalesByMedian)
  }

  /// Make3D's error C1: true depths below 70 m, in its crop (Liu et al., "Discrete-Continuous Depth Estimation from a
  /// Single Image", 2014).
  public static func make3DC1(scalesByMedian: Bool) -> DepthProtocol {
    DepthProtocol(least: 1e-3, most: 70, crop: .make3D, scalesByMedian: scalesByMedian)
  }

  /// The rows and columns that count.
  func window(height: Int, width: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    switch crop {
    case .none: return (0..<height, 0..<width)
    case .make3D:
      let rows = min(max(width / 2, 1), height), first = (height - rows) / 2
      return (first..<first + rows, 0..<width)
    case .garg:
      let (h, w) = (Double(height), Double(width))
      return (
        Int(0.40810811 * h)..<Int(0.99189189 * h), Int(0.03594771 * w)..<Int(0.96405229 * w)
      )
    }
  }
}
