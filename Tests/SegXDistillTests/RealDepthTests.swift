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
      let back = Self.medianError(
        depths[first], depths[first + 1], RigidMotion([poses[first + 1] * poses[first].rigidInverse]))
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

  /// After a short training on a drive straight ahead, the pose network says that the camera moves ahead: the points of
  /// a frame come nearer in the next one, far more than they move aside.
  func testTheLearntPosePointsAhead() throws {
    try XCTSkipIf(ProcessInfo.processInfo.environment["SEGKERNELS_SLOW"] == nil, "slow: run by scripts/check")
    let root = try Fixtures.researchData("kitti-odometry/sequence_1"), size = Pair(height: 96, width: 320)
    let frames = try (0..<51).map { frame in
      let image = try Image(contentsOf: root.appendingPathComponent(String(format: "image_l/%06d.png", frame)))
      return Tensor(image.resized(width: size.width, height: size.height), normalization: .unit)
    }
    let (x, y) = (Float(size.width) / 1226, Float(size.height) / 370)
    let camera = Tensor([1, 4], [707.0912 * x, 707.0912 * y, 601.8873 * x, 183.1104 * y])
    let configuration = try XCTUnwrap(DepthConfiguration(name: "monodepth2_resnet18_half"))
    let networks = Networks(
      depth: DepthNetwork(configuration, seed: 1), pose: PoseNetwork(configuration.poseEncoder, seed: 2))
    let optimizer = AdamW(learningRate: 3e-4, weightDecay: 0)
    networks.depth.start(at: 0.2)
    networks.setTraining(true)
    for step in 0..<150 {
      let place = 1 + step * 17 % 49, target = frames[place]
      let (_, gradients) = valueAndGradient(of: networks) { networks -> Tensor in
        let views = [place - 1, place + 1].map { other in
          DepthLoss.View(
            image: frames[other],
            motion: networks.pose.motion(from: target, to: frames[other], isForward: other > place))
        }
        return DepthLoss()(
          networks.depth.disparities(target), target: target, views: views, intrinsics: camera, configuration)
      }
      optimizer.update(networks, with: gradients)
    }
    networks.setTraining(false)
    var sum: [Float] = [0, 0, 0]
    for frame in 0..<50 {
      let moved = networks.pose.motion(from: frames[frame], to: frames[frame + 1], isForward: true).translation.scalars
      for axis in 0..<3 { sum[axis] += moved[axis] }
    }
    let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
    XCTAssertLessThan(sum[2] / length, -0.8, "\(sum)")
  }
}

/// Both networks, to learn together.
private final class Networks: Module {
  let depth: DepthNetwork
  let pose: PoseNetwork

  init(depth: DepthNetwork, pose: PoseNetwork) {
    (self.depth, self.pose) = (depth, pose)
  }

  var parts: [Part] { [Part("depth", depth), Part("pose", pose)] }
}
