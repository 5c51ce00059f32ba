import Foundation
import SegData
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// Streets in motion: poses, depth, flow and occlusion tell one story, and files hold it.
final class StreetClipTests: XCTestCase {
  private let size: Pair = [64, 128]
  private var clip: StreetClip { StreetScenes(split: "test", size: size).clip(at: 1, frames: 8) }

  /// Where nothing moved but the camera, depth and poses lead to the flow's place within 0.05 pixels.
  func testFlowAgreesWithDepthAndPoses() {
    let (from, to) = (clip.frame(at: 2), clip.frame(at: 3)), flow = clip.flow(from: 2, to: 3)
    let pinhole = from.camera.intrinsics(size: size), motion = from.camera.motion(to: to.camera)
    var (tried, agreeing, moved) = (0, 0, 0)
    for row in 0..<size.height {
      for column in 0..<size.width where from.depth[row, column] > 0 && flow.moving[row, column] == 0 {
        let depth = Double(from.depth[row, column])
        let point = motion(
          SIMD3(
            (Double(column) - pinhole.cx) / pinhole.fx * depth, (Double(row) - pinhole.cy) / pinhole.fy * depth, depth))
        guard point.z > 0.5 else { continue }
        let u = Double(flow.field.vectors[0, row, column]), v = Double(flow.field.vectors[1, row, column])
        let x = pinhole.fx * point.x / point.z + pinhole.cx - Double(column)
        let y = pinhole.fy * point.y / point.z + pinhole.cy - Double(row)
        tried += 1
        if abs(x - u) < 0.05 && abs(y - v) < 0.05 { agreeing += 1 }
        if abs(u) + abs(v) > 0.2 { moved += 1 }
      }
    }
    XCTAssertGreaterThan(tried, size.height * size.width / 4)
    XCTAssertGreaterThan(moved, tried / 4, "the car stands still: the test shows nothing")
    XCTAssertEqual(agreeing, tried, "\(tried - agreeing) of \(tried) points lie elsewhere")
  }

  /// A point that is seen in both frames has there the class that it has here.
  func testLabelsFollowTheFlow() {
    let (from, to) = (clip.frame(at: 2), clip.frame(at: 3)), flow = clip.flow(from: 2, to: 3)
    var (tried, same) = (0, 0)
    for row in 0..<size.height {
      for column in 0..<size.width where flow.occluded[row, column] == 0 {
        let x = Float(column) + flow.field.vectors[0, row, column], y = Float(row) + flow.field.vectors[1, row, column]
        guard x.isFinite, y.isFinite else { continue }
        let (there, below) = (Int(x.rounded()), Int(y.rounded()))
        guard (0..<size.width).contains(there), (0..<size.height).contains(below) else { continue }
        tried += 1
        if to.labels[below, there] == from.labels[row, column] { same += 1 }
      }
    }
    XCTAssertGreaterThan(tried, size.height * size.width / 2)
    // The nearest pixel's centre may lie beyond an edge; unrelated frames agree in less than half of their pixels.
    XCTAssertGreaterThan(Double(same), 0.9 * Double(tried))
  }

  func testNothingIsFoundAcrossACut() {
    let clip = StreetScenes(split: "test", size: size).clip(at: 1, frames: 8, cuts: [4])
    XCTAssertTrue(clip.isCut(before: 4))
    XCTAssertFalse(clip.isCut(before: 3))
    let flow = clip.flow(from: 3, to: 4)
    XCTAssertTrue(flow.occluded.values.allSatisfy { $0 == 1 })
    XCTAssertTrue(flow.field.vectors.scalars.allSatisfy(\.isNaN))
  }

  func testCityscapesFilesAreReadBack() throws {
    let root = try Fixtures.temporaryFolder(self), streets = StreetScenes(split: "test", size: size)
    for index in 0..<2 { try streets.writeCityscapes(at: index, to: root) }
    let data = try Cityscapes(root: root, split: "test")
    XCTAssertEqual(data.count, 2)
    for index in 0..<data.count {
      let (sample, frame) = (try data.sample(at: index), streets.frame(at: index))
      XCTAssertEqual(sample.image.pixels, frame.image.pixels)
      XCTAssertEqual(sample.labels.values, frame.labels.values)
      XCTAssertEqual(try data.instances(at: index).values, frame.instances.values)
      for (read, made) in zip(try data.disparity(at: index).scalars, frame.disparity().scalars)
      where made > 0 && made < 255 {
        XCTAssertEqual(read, made, accuracy: 0.5 / 256)
      }
    }
  }

  func testKITTIFilesAreReadBack() throws {
    let root = try Fixtures.temporaryFolder(self), clip = StreetScenes(split: "dev", size: size).clip(at: 0, frames: 2)
    try clip.writeKITTI(to: root, sequence: "00")
    let drive = try KITTIOdometry(root: root, sequence: "00")
    XCTAssertEqual(drive.count, 2)
    for index in 0..<2 {
      let frame = clip.frame(at: index)
      XCTAssertEqual(try drive.image(at: index).pixels, frame.image.pixels)
      for (read, made) in zip(try XCTUnwrap(drive.depth(at: index)).scalars, frame.depth.scalars) where made < 255 {
        XCTAssertEqual(read, made, accuracy: 0.51 / 256)
      }
      let pose = try XCTUnwrap(drive.poses)[index], truth = clip.camera(at: index).motion(to: clip.camera(at: 0))
      for (read, made) in zip(pose.rows, truth.rows) {
        for axis in 0..<4 { XCTAssertEqual(read[axis], made[axis], accuracy: 1e-9) }
      }
    }
  }
}
