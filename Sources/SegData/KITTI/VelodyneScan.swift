import Foundation
import SegFiles
import SegImages
import SegKernels

/// One turn of KITTI's laser scanner.
public struct VelodyneScan: Sendable, Hashable {
  /// x forward, y left, z up in metres, and the reflectance, 0…1.
  public let points: [SIMD4<Float>]

  /// A scan of given points.
  public init(points: [SIMD4<Float>]) { self.points = points }

  /// Reads a `.bin` file: four little-endian floats a point.
  ///
  /// - Throws: `FileError` if it is missing or ends within a point.
  public init(contentsOf url: URL) throws {
    let bytes = try readFile(at: url)
    guard bytes.count % 16 == 0 else {
      throw FileError(
        path: url.relativePath, problem: "expected 16 bytes a point, found \(bytes.count % 16) left over")
    }
    points = bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 16).map { point in
        func number(_ axis: Int) -> Float {
          let bits = bytes.loadUnaligned(fromByteOffset: 16 * point + 4 * axis, as: UInt32.self)
          return Float(bitPattern: UInt32(littleEndian: bits))
        }
        return SIMD4(number(0), number(1), number(2), number(3))
      }
    }
  }

  /// The scan as a camera sees it: H×W metres, z of the rectified frame; 0 where no point falls.
  ///
  /// A point falls on the pixel of its column and row rounded down, and the nearest of a pixel stays. (The depth maps
  /// that many papers score on round to the nearest pixel and then subtract one, as if counted from one.)
  ///
  /// - Parameters:
  ///   - height: rows of the camera's picture.
  ///   - width: columns of the camera's picture.
  ///   - camera: the camera's number.
  ///   - calibration: the drive's.
  /// - Returns: nil if the calibration does not know the camera or the laser.
  public func depth(height: Int, width: Int, camera: Int, calibration: KITTICalibration) -> Tensor? {
    guard let projection = calibration.projections[camera], let motion = calibration.rectifiedFromVelodyne else {
      return nil
    }
    var depth = [Float](repeating: 0, count: height * width)
    for point in points {
      let rectified = motion(SIMD3(Double(point.x), Double(point.y), Double(point.z)))
      let seen = projection(rectified)
      guard rectified.z > 0, seen.z > 0 else { continue }
      let column = (seen.x / seen.z).rounded(.down), row = (seen.y / seen.z).rounded(.down)
      guard column >= 0, row >= 0, column < Double(width), row < Double(height) else { continue }
      let place = Int(row) * width + Int(column), z = Float(rectified.z)
      if depth[place] == 0 || z < depth[place] { depth[place] = z }
    }
    return Tensor([height, width], depth)
  }
}
