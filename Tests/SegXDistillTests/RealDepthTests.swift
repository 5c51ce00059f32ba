import Foundation
import SegData
import SegImages
import SegKernels
import SegTestSupport
import SegXDistill
import XCTest

/// Geometry on real frames.
final class RealDepthTests: XCTestCase {
  /// Depth of one frame moved into the next by the poses agrees with the next one's, as the data's README measured with
  /// nearest-pixel look-up (in metres; occlusions included); poses read as world to camera do not.
  func testRGBDFramesWithTheirPoses() throws {
    let root = try Fixtures.researchData("rgbd")
    let poses = try String(contentsOf: root.appendingPathComponent("pose.txt"), encoding: .utf8)
      .split(whereSeparator: \.isNewline).map { line in
        Self.pose(line.split(separator: " ").compactMap { Double($0) })
      }
    let depths = try (1...5).map { try Self.depth(root.appendingPathComponent("depth/\($0).pgm")) }
    XCTAssertEqual(depths.map { $0.scalars.count { $0 > 0 } }, [209_236, 212_954, 223_149, 216_331, 220_173])
    let expected = [0.1033, 0.0481, 0.0473, 0.0266], wrong = [1.05, 0.95, 1.07, 0.53]
    for first in 0..<4 {
      let motion = poses[first + 1].rigidInverse * poses[first]
      let error = Self.medianError(depths[first], depths[first + 1], RigidMotion([motion]))
      let back = Self.medianError(depths[first], depths[first + 1], RigidMotion([poses[first + 1] * poses[first].rigidInverse]))
      XCTAssertEqual(error, expected[first], accuracy: 0.002, "frame \(first + 1)")
      XCTAssertEqual(back, wrong[first], accuracy: 0.02, "frame \(first + 1), read the wrong way")
    }
  }

  private static func medianError(_ depth: Tensor, _ next: Tensor, _ motion: RigidMotion) -> Double {
    let camera = Tensor([1, 4], [518, 519, 325.5, 253.5])
    let points = motion(backProject(depth.reshaped(1, 1, 480, 640), intrinsics: camera))
    let grid = project(points, intrinsics: camera, size: [480, 640]).scalars
    let moved = points.slice(axis: 1, 2..<3).scalars, depth = depth.scalars, next = next.scalars
    let errors = depth.indices.compactMap { pixel -> Double? in
      guard depth[pixel] > 0, moved[pixel] > 0 else { return nil }
      let column = ((grid[2 * pixel] + 1) / 2 * 639).rounded(), row = ((grid[2 * pixel + 1] + 1) / 2 * 479).rounded()
      guard column >= 0, column < 640, row >= 0, row < 480 else { return nil }
      let found = next[Int(row) * 640 + Int(column)]
      return found > 0 ? Double(abs(moved[pixel] - found)) : nil
    }.sorted()
    return errors[errors.count / 2]
  }

  /// Camera to world of `tx ty tz qx qy qz qw`.
  private static func pose(_ numbers: [Double]) -> Matrix3x4 {
    let (x, y, z, w) = (numbers[3], numbers[4], numbers[5], numbers[6])
    // ω × of the vector part, and its square: R = I + 2 w K + 2 K².
    let cross: [Double] = [0, -z, y, z, 0, -x, -y, x, 0]
    let rotation = (0..<9).map { (place: Int) -> Double in
      let (row, column) = (place / 3, place % 3)
      let square = (0..<3).reduce(0.0) { $0 + cross[3 * row + $1] * cross[3 * $1 + column] }
      return (row == column ? 1 : 0) + 2 * w * cross[place] + 2 * square
    }
    return Matrix3x4(rotation: rotation, translation: Array(numbers[0..<3]))
  }

  /// A 16-bit PGM of millimetres whose header is one line.
  private static func depth(_ url: URL) throws -> Tensor {
    let bytes = [UInt8](try Data(contentsOf: url)), start = bytes.count - 2 * 480 * 640
    return Tensor(
      [480, 640],
      (0..<480 * 640).map { pixel -> Float in
        let place = start + 2 * pixel
        let millimetres = Int(bytes[place]) << 8 | Int(bytes[place + 1])
        return Float(millimetres) / 1000
      })
  }

  /// Frames of a car that drives ahead: warped by the measured motion at the road's depth, the road of the next frame
  /// looks like this one's; warped the other way round it does not.
  func testKITTIsPosesAlignTheRoad() throws {
    let root = try Fixtures.researchData("kitti-odometry/sequence_1")
    let poses = try String(contentsOf: root.appendingPathComponent("poses.txt"), encoding: .utf8)
      .split(whereSeparator: \.isNewline).map { line in
        Matrix3x4(line.split(separator: " ").compactMap { Double($0) })
      }
    // The left camera stands 1.65 m above the road; rows far below the horizon show it.
    let (fx, cx, cy): (Float, Float, Float) = (707.0912, 601.8873, 183.1104)
    let camera = Tensor([1, 4], [fx, fx, cx, cy]), rows = 260..<360, columns = 500..<700
    let depths = (0..<370 * 1226).map { (pixel: Int) -> Float in
      let below = Float(pixel / 1226) - cy
      return 1.65 * fx / max(below, 1)
    }
    let depth = Tensor([1, 1, 370, 1226], depths)
    var (right, wrong): (Float, Float) = (0, 0)
    for frame in stride(from: 0, to: 50, by: 10) {
      let images = try [frame, frame + 1].map {
        Tensor(
          try Image(contentsOf: root.appendingPathComponent(String(format: "image_l/%06d.png", $0))),
          normalization: .unit)
      }
      let motion = RigidMotion([poses[frame + 1].rigidInverse * poses[frame]])
      func residual(_ motion: RigidMotion) -> Float {
        let warped = warp(images[1], depth: depth, intrinsics: camera, motion: motion)
        return (warped - images[0]).abs().slice(axis: 2, rows).slice(axis: 3, columns).mean().scalar
      }
      right += residual(motion)
      wrong += residual(motion.inverse)
    }
    XCTAssertLessThan(right, wrong)
  }
}
