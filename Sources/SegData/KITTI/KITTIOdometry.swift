import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics

/// A sequence of KITTI's odometry task: `sequences/<NN>/image_2/…png` with `calib.txt` and, if downloaded,
/// `velodyne/…bin`, and for 00 to 10 `poses/<NN>.txt`.
///
/// Geiger, Lenz and Urtasun, "Are we ready for Autonomous Driving? The KITTI Vision Benchmark Suite", 2012.
public struct KITTIOdometry: KITTIDrive {
  /// Which camera the frames are of: 0 and 1 grey, 2 and 3 in colour, even numbers to the left.
  public let camera: Int
  /// The projections of all cameras, and how the laser stands to them.
  public let calibration: KITTICalibration
  /// The motion from each frame to the sequence's start, both as camera 0 sees them after rectification, in metres; nil
  /// where it is not published.
  public let poses: [Matrix3x4]?
  private let frames: FrameFolder
  private let scans: URL
  private let depths: URL

  /// Opens a sequence.
  ///
  /// - Parameters:
  ///   - root: the folder that holds `sequences` and `poses`, or one with a `dataset` that does.
  ///   - sequence: `00` to `21`.
  ///   - camera: 0 to 3; by default the left colour camera.
  /// - Throws: `FileError` if something is missing, or there are not as many poses as frames.
  public init(root: URL, sequence: String, camera: Int = 2) throws {
    let root = root.entering("dataset")
    let sequences = try root.below("sequences").names(expecting: "the folder 'sequences' of KITTI odometry")
    guard sequences.contains(sequence) else {
      throw FileError(
        path: root.below("sequences").relativePath, kind: .missing,
        problem: "expected the sequence \(sequence.quoted), found \(sequences.joined(separator: ", ").printable)")
    }
    let folder = root.below("sequences/\(sequence)")
    self.camera = camera
    frames = try FrameFolder(folder.appendingPathComponent("image_\(camera)"))
    scans = folder.appendingPathComponent("velodyne")
    depths = folder.appendingPathComponent("depth_\(camera)")
    calibration = try KITTICalibration(contentsOf: folder.appendingPathComponent("calib.txt"))
    try calibration.require(camera: camera, in: folder.appendingPathComponent("calib.txt"))
    let poses = root.below("poses/\(sequence).txt")
    self.poses = poses.exists ? try KITTIOdometry.poses(contentsOf: poses, count: frames.count) : nil
  }

  /// Reads a pose file: twelve numbers a line, a frame each.
  private static func poses(contentsOf url: URL, count: Int) throws -> [Matrix3x4] {
    let poses = try url.lines(expecting: "poses, twelve numbers a line").map { number, text in
      let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }.filter(\.isFinite)
      guard numbers.count == 12 else {
        throw FileError(
          path: url.relativePath, problem: "line \(number): expected 12 numbers, found \(numbers.count)")
      }
      return Matrix3x4(numbers)
    }
    guard poses.count == count else {
      throw FileError(path: url.relativePath, problem: "expected \(count) poses, one a frame, found \(poses.count)")
    }
    return poses
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

  /// The depth of a frame, H×W metres: `depth_<camera>/<frame>.png` (16 bits, 256 a metre) where it is there, else the
  /// laser's; 0 where nothing was measured.
  ///
  /// - Throws: `FileError` for a damaged file.
  public func depth(at index: Int) throws -> Tensor? {
    guard let file = depths.file(frames.stem(at: index), ["png"]) else { return try scannedDepth(at: index) }
    return try DepthFile.read(file)
  }
}

extension KITTICalibration {
  /// Checks that a file told of a camera.
  func require(camera: Int, in url: URL) throws {
    guard projections[camera] == nil else { return }
    throw FileError(
      path: url.relativePath,
      problem: "expected the projection of camera \(camera), found \(projections.keys.sorted()) alone")
  }
}

extension FrameFolder {
  /// The name of a frame without its ending.
  func stem(at index: Int) -> String { files[index].deletingPathExtension().lastPathComponent }
}
