import Foundation
import SegData
import SegFiles
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

/// Streets on disk, read back by the package's readers of the layouts.
final class StreetWritingTests: XCTestCase {
  private let streets = StreetScenes(split: "dev", size: [48, 96])

  func testCityscapes() throws {
    let root = try Fixtures.temporaryFolder(self)
    try streets.writeCityscapes(at: 3, to: root)
    let clip = streets.clip(at: 1, frames: 5, cuts: [3])
    try clip.writeCityscapes(to: root, split: "dev", number: 1, annotatingEvery: 2)
    let data = try Cityscapes(root: root, split: "dev")
    // By city: the single frame's, then the clip's frames 0, 2 and 4.
    let expected = [streets.frame(at: 3)] + clip.frames(at: [0, 2, 4])
    XCTAssertEqual(data.count, expected.count)
    for (index, frame) in expected.enumerated() {
      let sample = try data.sample(at: index)
      XCTAssertEqual(sample.image, frame.image)
      XCTAssertEqual(sample.labels, frame.labels)
      XCTAssertEqual(try data.instances(at: index), frame.instances)
      let disparity = try data.disparity(at: index)
      for (read, (exact, depth)) in zip(disparity.scalars, zip(frame.disparity().scalars, frame.depth.scalars)) {
        if depth == 0 { XCTAssertTrue(read.isNaN) } else if exact < 255 { XCTAssertEqual(read, exact, accuracy: 0.002) }
      }
    }
    // The labelIds alone say the same.
    let gtFine = root.appendingPathComponent("gtFine/dev/streets1/streets1_000000_000002_gtFine_")
    try FileManager.default.removeItem(atPath: gtFine.path + "labelTrainIds.png")
    XCTAssertEqual(try Cityscapes(root: root, split: "dev").sample(at: 2).labels, expected[2].labels)
    // Every frame of the sequence, and how it leads to the one before; across the cut nowhere.
    let frames = try FrameFolder(root.appendingPathComponent("leftImg8bit_sequence/dev/streets1"))
    XCTAssertEqual(frames.count, 5)
    XCTAssertEqual(try frames.image(at: 3), clip.image(at: 3))
    for index in 1..<5 {
      let stem = "dev/streets1/streets1_000000_00000\(index)", exact = clip.flow(from: index, to: index - 1)
      let flow = try FlowField(contentsOf: root.appendingPathComponent("flow/\(stem).flo"))
      XCTAssertEqual(
        flow.vectors.scalars.map(\.bitPattern).filter { $0 != Float.nan.bitPattern },
        exact.field.vectors.scalars.map(\.bitPattern).filter { $0 != Float.nan.bitPattern })
      XCTAssertEqual(try Labels(contentsOf: root.appendingPathComponent("occlusion/\(stem).png")), exact.occluded)
      XCTAssertEqual(exact.field.vectors.scalars.allSatisfy(\.isNaN), index == 3)
    }
    struct CameraFile: Decodable {
      let intrinsic: [String: Double], extrinsic: [String: Double], pose: [Double]
    }
    let file = root.appendingPathComponent("camera/dev/streets1/streets1_000000_000004_camera.json")
    let entries = try JSONDecoder().decode(CameraFile.self, from: Data(contentsOf: file))
    let camera = clip.camera(at: 4)
    XCTAssertEqual(try XCTUnwrap(entries.intrinsic["fx"]), Double(camera.focalLength) * 96, accuracy: 1e-9)
    XCTAssertEqual(entries.intrinsic["u0"], 47.5)
    XCTAssertEqual(try XCTUnwrap(entries.extrinsic["baseline"]), 0.54, accuracy: 1e-6)
    let pose = Matrix3x4(entries.pose)
    XCTAssertEqual(pose, camera.worldToCamera)

    XCTAssertThrowsError(try streets.writeCityscapes(at: 3, to: root)) { XCTAssertTrue($0 is FileError) }
    try streets.writeCityscapes(at: 3, to: root, overwrite: true)
  }

  func testKITTI() throws {
    let root = try Fixtures.temporaryFolder(self), clip = streets.clip(at: 0, frames: 4)
    try clip.writeKITTI(to: root, sequence: "03")
    let (left, right) = (
      try KITTIOdometry(root: root, sequence: "03"), try KITTIOdometry(root: root, sequence: "03", camera: 3)
    )
    XCTAssertEqual(left.count, 4)
    XCTAssertEqual(left.intrinsics, clip.camera(at: 0).intrinsics(size: [48, 96]))
    XCTAssertEqual(try XCTUnwrap(left.calibration.offset(camera: 3)), 0.54, accuracy: 1e-6)
    let poses = try XCTUnwrap(left.poses)
    for index in 0..<4 {
      let frame = clip.frame(at: index)
      XCTAssertEqual(try left.image(at: index), frame.image)
      XCTAssertEqual(try right.image(at: index), clip.frame(at: index, eye: .right).image)
      XCTAssertEqual(poses[index], frame.camera.motion(to: clip.camera(at: 0)))
      let depth = try XCTUnwrap(left.depth(at: index))
      for (read, exact) in zip(depth.scalars, frame.depth.scalars) {
        XCTAssertEqual(read, exact < 255.9 ? exact : 0, accuracy: 0.5 / 256)
      }
    }
    let identity: [Double] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]
    for (number, expected) in zip(poses[0].rows.flatMap { [$0.x, $0.y, $0.z, $0.w] }, identity) {
      XCTAssertEqual(number, expected, accuracy: 1e-12)
    }
    // Ahead is z.
    XCTAssertGreaterThan(poses[3].translation.z, 0.1)
    XCTAssertNil(try right.depth(at: 0))
    let times = try String(contentsOf: root.appendingPathComponent("sequences/03/times.txt"), encoding: .utf8)
      .split(separator: "\n").compactMap { Double($0) }
    XCTAssertEqual(times.count, 4)
    XCTAssertEqual(times[3], 3.0 / 17, accuracy: 1e-9)
  }
}
