import Foundation
import SegFiles
import SegImages
import SegKernels

/// Frames of KITTI's object task: `image_2/…png`, each with its own `calib/…txt` and, if downloaded, `velodyne/…bin`.
///
/// Geiger, Lenz and Urtasun, "Are we ready for Autonomous Driving? The KITTI Vision Benchmark Suite", 2012.
public struct KITTIObject: FrameSequence {
  private static let camera = 2
  private let root: URL
  private let frames: FrameFolder

  /// Opens a split.
  ///
  /// - Parameters:
  ///   - root: the folder that holds `image_2`, or one whose folder of the split's name does.
  ///   - split: `training` or `testing`.
  /// - Throws: `FileError` if there are no frames.
  public init(root: URL, split: String) throws {
    self.root = root.entering(split)
    frames = try FrameFolder(self.root.below("image_\(KITTIObject.camera)"))
  }

  public var count: Int { frames.count }
  public func name(at index: Int) -> String { frames.name(at: index) }
  public func image(at index: Int) throws -> Image { try frames.image(at: index) }

  /// The depth that the laser measured, H×W metres, 0 where no point falls; nil without a scan.
  ///
  /// - Throws: `FileError` for a missing calibration or a damaged file.
  public func depth(at index: Int) throws -> Tensor? {
    let stem = frames.stem(at: index)
    guard let file = root.below("velodyne").file(stem, ["bin"]) else { return nil }
    let image = try image(at: index), place = root.below("calib/\(stem).txt")
    let calibration = try KITTICalibration(contentsOf: place)
    let scan = try VelodyneScan(contentsOf: file)
    guard
      let depth = scan.depth(
        height: image.height, width: image.width, camera: KITTIObject.camera, calibration: calibration)
    else {
      throw FileError(path: place.relativePath, problem: "expected camera \(KITTIObject.camera) and the laser's place")
    }
    return depth
  }
}
