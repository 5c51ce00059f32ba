import Foundation
import SegData
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// KITTI's readers against what was measured on real files (their README; depth with NumPy, in doubles), and on small
/// folders in its two layouts.
final class KITTITests: XCTestCase {
  func testScanSeenByACamera() throws {
    let root = try Fixtures.researchData("kitti-lidar")
    let calibration = try KITTICalibration(contentsOf: root.appendingPathComponent("calib/000001.txt"))
    let scan = try VelodyneScan(contentsOf: root.appendingPathComponent("velodyne/000001.bin"))
    XCTAssertEqual(scan.points.count, 120_268)
    XCTAssertEqual(
      calibration.intrinsics(camera: 2), PinholeCamera(fx: 721.5377, fy: 721.5377, cx: 609.5593, cy: 172.854))
    let image = try Image(contentsOf: root.appendingPathComponent("image_2/000001.png"))
    let depth = try XCTUnwrap(
      scan.depth(height: image.height, width: image.width, camera: 2, calibration: calibration))
    XCTAssertEqual(depth.shape, [375, 1242])
    let measured = depth.scalars.filter { $0 > 0 }.map(Double.init).sorted()
    XCTAssertEqual(measured.count, 18_609)
    XCTAssertEqual(measured[0], 4.767814825886269, accuracy: 1e-5)
    XCTAssertEqual(measured[18_608], 76.7267512625405, accuracy: 1e-5)
    XCTAssertEqual(measured[9_304], 12.50179543077034, accuracy: 1e-5)
    XCTAssertEqual(measured.reduce(0, +), 307_515.9996131783, accuracy: 0.02)
  }

  /// Real frames in the layout of the archives.
  func testRealOdometry() throws {
    let sequence = try Fixtures.researchData("kitti-odometry/sequence_1")
    let root = try Fixtures.temporaryFolder(self)
    for (name, file) in [
      ("sequences/07/image_0", "image_l"), ("sequences/07/calib.txt", "calib.txt"), ("poses/07.txt", "poses.txt"),
    ] {
      try FileManager.default.createSymbolicLink(
        at: root.place(name), withDestinationURL: sequence.appendingPathComponent(file))
    }
    let drive = try KITTIOdometry(root: root, sequence: "07", camera: 0)
    XCTAssertEqual(drive.count, 51)
    XCTAssertEqual(drive.name(at: 50), "000050.png")
    let image = try drive.image(at: 0)
    XCTAssertEqual([image.height, image.width], [370, 1226])
    XCTAssertEqual(drive.intrinsics, PinholeCamera(fx: 707.0912, fy: 707.0912, cx: 601.8873, cy: 183.1104))
    XCTAssertEqual(try XCTUnwrap(drive.calibration.offset(camera: 1)), 0.53715, accuracy: 5e-6)
    XCTAssertNil(try drive.scan(at: 0))
    let poses = try XCTUnwrap(drive.poses)
    let last = poses[50].translation
    for (found, expected) in zip([last.x, last.y, last.z], [-0.98144, -1.19028, 59.83857]) {
      XCTAssertEqual(found, expected, accuracy: 6e-6)
    }
    // From one frame to the next by the inverse: the step's length, and the way's.
    let steps = zip(poses, poses.dropFirst()).map { a, b -> Double in
      let step = (a.rigidInverse * b).translation
      return (step * step).sum().squareRoot()
    }
    XCTAssertEqual(steps.min()!, 1.1856, accuracy: 6e-5)
    XCTAssertEqual(steps.max()!, 1.2078, accuracy: 6e-5)
    XCTAssertEqual(steps.reduce(0, +), 59.860, accuracy: 6e-4)
    let missing = problem { try KITTIOdometry(root: root, sequence: "07", camera: 2) }
    XCTAssertTrue(missing.contains("image_2: expected a folder of frames"), missing)
  }

  private let projection = "10 0 2 0 0 10 1 0 0 0 1 0"

  /// A point that a camera of focal length 10 must see, and one behind it.
  private func writeScan(_ root: URL, _ path: String, _ points: [[Float]]) throws {
    var data = Data()
    for value in points.joined() { withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
    try data.write(to: root.place(path))
  }

  func testOdometryLayout() throws {
    let root = try Fixtures.temporaryFolder(self), folder = "dataset/sequences/00/"
    for frame in 0..<2 { try root.writeImage(folder + "image_2/00000\(frame).png", height: 3, width: 5) }
    // Laser axes (forward, left, up) to camera axes (right, down, forward): x = -left, y = -up, z = forward.
    try root.writeText(
      folder + "calib.txt",
      (0..<4).map { "P\($0): \(projection)\n" }.joined() + "Tr: 0 -1 0 0 0 0 -1 0 1 0 0 0\n")
    // 10 m ahead, 1 m to the right, 0.5 m down: column 10·1/10 + 2 = 3, row 10·0.5/10 + 1 = 1.5. A farther point behind
    // it, one behind the camera, one beside the picture.
    try writeScan(
      root, folder + "velodyne/000000.bin",
      [[20, -2, -1, 0], [10, -1, -0.5, 0.3], [-10, 1, 0.5, 0], [10, 30, 0, 0]])
    try root.writeText("dataset/poses/00.txt", "1 0 0 0 0 1 0 0 0 0 1 0\n0 0 1 4 0 1 0 5 -1 0 0 6\n")
    let drive = try KITTIOdometry(root: root, sequence: "00")
    XCTAssertEqual(
      try drive.depth(at: 0)?.scalars, [0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0])
    XCTAssertNil(try drive.depth(at: 1))
    // A quarter turn about the vertical axis, and back.
    let pose = try XCTUnwrap(drive.poses?[1])
    XCTAssertEqual(pose(SIMD3(1, 2, 3)), SIMD3(7, 7, 5))
    XCTAssertEqual(pose.rigidInverse(SIMD3(7, 7, 5)), SIMD3(1, 2, 3))

    try root.writeText("dataset/poses/00.txt", "1 0 0 0 0 1 0 0 0 0 1 0\n")
    XCTAssertTrue(
      problem { try KITTIOdometry(root: root, sequence: "00") }.contains("expected 2 poses, one a frame, found 1"))
    try root.writeText("dataset/poses/00.txt", "1 0 0\n")
    XCTAssertTrue(
      problem { try KITTIOdometry(root: root, sequence: "00") }.contains("line 1: expected 12 numbers, found 3"))
    try root.writeText(folder + "calib.txt", "P2: 1 2 3\n")
    XCTAssertTrue(
      problem { try KITTIOdometry(root: root, sequence: "00") }.contains("expected 12 numbers after P2:, found 3"))
    try root.writeText(folder + "calib.txt", "P0: \(projection)\n")
    XCTAssertTrue(
      problem { try KITTIOdometry(root: root, sequence: "00") }.contains("projection of camera 2, found [0]"))
    XCTAssertTrue(problem { try KITTIOdometry(root: root, sequence: "train") }.contains("'train', found 00"))
    let cut = try root.place("cut.bin")
    try Data(count: 20).write(to: cut)
    XCTAssertTrue(
      problem { try VelodyneScan(contentsOf: cut) }.contains("expected 16 bytes a point, found 4 left over"))
  }

  func testRawLayout() throws {
    let root = try Fixtures.temporaryFolder(self), day = "2011_09_26/", drive = "2011_09_26_drive_0001_sync"
    try root.writeImage(day + drive + "/image_02/data/0000000005.png", height: 3, width: 5)
    try writeScan(root, day + drive + "/velodyne_points/data/0000000005.bin", [[10, -1, -0.5, 0.3]])
    try root.writeText(
      day + "calib_cam_to_cam.txt",
      "calib_time: 09-Jan-2012 13:57:47\nR_rect_00: 1 0 0 0 1 0 0 0 1\nP_rect_02: \(projection)\n")
    // The laser stands 2 m behind the camera.
    try root.writeText(day + "calib_velo_to_cam.txt", "R: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 -2\ndelta_f: 0 0\n")
    let raw = try KITTIRaw(root: root, drive: day + drive)
    XCTAssertEqual(raw.name(at: 0), "0000000005.png")
    XCTAssertEqual(raw.intrinsics, PinholeCamera(fx: 10, fy: 10, cx: 2, cy: 1))
    // 8 m before the camera: column 10·1/8 + 2 = 3.25, row 10·0.5/8 + 1 = 1.625.
    XCTAssertEqual(try raw.depth(at: 0)?.scalars, [0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0])
    let missing = problem { try KITTIRaw(root: root, drive: "2011_09_26_drive_0002_sync") }
    XCTAssertTrue(missing.contains("'2011_09_26_drive_0002_sync', found \(drive)"), missing)
    try root.writeText(day + "calib_velo_to_cam.txt", "R: 0 -1 0 0 0 -1 1 0 0\n")
    XCTAssertTrue(
      problem { try KITTIRaw(root: root, drive: drive) }.contains("expected 3 numbers after T:, found no such"))
  }
}
