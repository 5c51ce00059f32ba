import Foundation
import SegFiles
import SegImages
import SegKernels

/// A drive of KITTI's raw data, synchronised and rectified: `<day>/<day>_drive_<NNNN>_sync/image_02/data/…png` with
/// `velodyne_points/data/…bin`, and the day's calibration files beside its drives.
///
/// Geiger et al., "Vision meets Robotics: The KITTI Dataset", 2013.
public struct KITTIRaw: KITTIDrive {
  /// Which camera the frames are of: 0 and 1 grey, 2 and 3 in colour, even numbers to the left.
  public let camera: Int
  /// The projections of all cameras, and how the laser stands to them.
  public let calibration: KITTICalibration
  private let frames: FrameFolder
  private let scans: URL

  /// Opens a drive.
  ///
  /// - Parameters:
  ///   - root: the folder that holds the days.
  ///   - drive: `2011_09_26_drive_0001_sync`, or `2011_09_26/2011_09_26_drive_0001_sync` as split lists have it.
  ///   - camera: 0 to 3; by default the left colour camera.
  /// - Throws: `FileError` if something is missing.
  public init(root: URL, drive: String, camera: Int = 2) throws {
    let name = (drive as NSString).lastPathComponent
    let day = root.appendingPathComponent(String(name.prefix(10))), folder = day.appendingPathComponent(name)
    guard folder.isFolder else {
      let drives = try root.names(expecting: "a folder of days of KITTI raw").flatMap { day in
        (try? root.appendingPathComponent(day).names(expecting: "drives").filter { $0.contains("_drive_") }) ?? []
      }
      throw FileError(
        path: root.relativePath, kind: .missing,
        problem: "expected the drive \(drive.quoted), found \(drives.joined(separator: ", ").printable)")
    }
    self.camera = camera
    frames = try FrameFolder(folder.below("image_0\(camera)/data"))
    scans = folder.below("velodyne_points/data")
    calibration = try KITTICalibration(rawDay: day)
    try calibration.require(camera: camera, in: day.appendingPathComponent("calib_cam_to_cam.txt"))
  }

  /// The number of frames.
  public var count: Int { frames.count }
  /// The file name of a frame's picture.
  public func name(at index: Int) -> String { frames.name(at: index) }
  /// Reads a frame's picture.
  ///
  /// - Throws: `FileError` for a damaged file.
  public func image(at index: Int) throws -> Image { try frames.image(at: index) }

  /// The laser's points at a frame; nil where there is no file of them.
  ///
  /// - Throws: `FileError` for a damaged file.
  public func scan(at index: Int) throws -> VelodyneScan? {
    try scans.file(frames.stem(at: index), ["bin"]).map(VelodyneScan.init(contentsOf:))
  }
}
