import SegFiles
import SegImages
import SegKernels

/// A drive of KITTI, whichever folders it is kept in: frames of one camera, the calibration, and the laser's scans.
public protocol KITTIDrive: FrameSequence {
  /// 0 and 1: grey, left and right; 2 and 3: colour.
  var camera: Int { get }

  /// How cameras and laser stand to each other.
  var calibration: KITTICalibration { get }

  /// The laser's scan at a frame; nil where there is none (some were lost).
  ///
  /// - Throws: `FileError` for a damaged file.
  func scan(at index: Int) throws -> VelodyneScan?

  /// The measured depth of a frame, H×W metres, 0 where nothing was measured; nil where there is none. By default that
  /// of the scan.
  ///
  /// - Throws: `FileError` for a damaged file.
  func depth(at index: Int) throws -> Tensor?
}

extension KITTIDrive {
  public func depth(at index: Int) throws -> Tensor? { try scannedDepth(at: index) }

  /// The depth that the laser measured, as the camera sees it (``VelodyneScan/depth(height:width:camera:calibration:)``);
  /// nil without a scan.
  ///
  /// - Throws: `FileError` for a damaged file.
  public func scannedDepth(at index: Int) throws -> Tensor? {
    guard let scan = try scan(at: index) else { return nil }
    let image = try image(at: index)
    return scan.depth(height: image.height, width: image.width, camera: camera, calibration: calibration)
  }

  /// The camera's intrinsics. Traps if the calibration does not know the camera, which the readers here rule out.
  public var intrinsics: PinholeCamera { calibration.intrinsics(camera: camera)! }
}
