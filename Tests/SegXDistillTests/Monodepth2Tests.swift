import SegFormats
import SegKernels
import SegTestSupport
import SegXDistill
import XCTest

/// The baseline against its authors' definitions: keys, shapes, outputs, geometry and losses.
final class Monodepth2Tests: XCTestCase {
  private let size: Shape = [1, 3, 96, 160]

  private func expected() throws -> [String: Tensor] {
    try Fixtures.archive("reference/monodepth2_outputs.safetensors").tensors
  }

  private func image(_ name: String) -> Tensor { (ReferenceRule.tensor(name, size) + 1) / 2 }

  private func networks() throws -> (depth: DepthNetwork, pose: PoseNetwork) {
    let depth = DepthNetwork(try XCTUnwrap(DepthConfiguration(name: "monodepth2_resnet18")), seed: nil)
    let pose = PoseNetwork(try XCTUnwrap(.resNet(18, inputChannels: 6)), seed: nil)
    return (depth, pose)
  }

  func testKeysAndShapes() throws {
    let published = try Fixtures.json("reference/monodepth2_states.json", as: [String: [String: [Int]]].self)
    let (depth, pose) = try networks()
    for (network, files) in [(depth as any Module, ["encoder", "depth"]), (pose, ["pose_encoder", "pose"])] {
      let found = Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.parameter.shape.dimensions) })
      var wanted: [String: [Int]] = [:]
      for file in files { wanted.merge(try XCTUnwrap(published[file])) { $1 } }
      wanted = wanted.filter { !$0.key.hasPrefix("encoder.fc.") }
      XCTAssertEqual(found, wanted, "\(files)")
    }
  }

  func testNetworksAgreeWithTheReference() throws {
    let expected = try expected(), (depth, pose) = try networks()
    ReferenceRule.fill(depth)
    ReferenceRule.fill(pose)
    for (scale, disparity) in depth.disparities(image("image")).enumerated() {
      assertClose(disparity, try XCTUnwrap(expected["disp\(scale)"]), tolerance: 1e-4, "disp\(scale)")
    }
    let (axisAngle, translation) = pose.poses(image("image"), image("image_next"))
    assertClose(axisAngle, try XCTUnwrap(expected["axisangle"]), tolerance: 1e-4, "axisangle")
    assertClose(translation, try XCTUnwrap(expected["translation"]), tolerance: 1e-4, "translation")
    let forward = pose.motion(from: image("image"), to: image("image_next"), isForward: true)
    try assertMotion(forward, expected["T_forward"])
    try assertMotion(forward.inverse, expected["T_inverted"])
  }

  func testGeometryAgreesWithTheReference() throws {
    let expected = try expected()
    let motion = RigidMotion(
      axisAngle: ReferenceRule.tensor("axisangle", [1, 3]) * 0.1,
      translation: ReferenceRule.tensor("translation", [1, 3]) * 0.3)
    try assertMotion(motion, expected["geo_T"])
    try assertMotion(motion.inverse, expected["geo_T_inverted"])
    let disparity = ReferenceRule.tensor("disparity", [1, 1, 96, 160]) * 0.5 + 0.5
    let configuration = try XCTUnwrap(DepthConfiguration(name: "monodepth2_resnet18"))
    assertClose(configuration.depth(disparity), try XCTUnwrap(expected["depth"]), tolerance: 1e-5, "depth")
    let depth = (ReferenceRule.tensor("depth_for_warp", [1, 1, 96, 160]) + 1) * 2 + 3
    let camera = Tensor([1, 4], [0.58 * 160, 1.92 * 96, 80, 48])
    let points = backProject(depth, intrinsics: camera)
    assertClose(
      points, try XCTUnwrap(expected["cam_points"]).slice(axis: 1, 0..<3), tolerance: 1e-5, "points")
    let grid = project(motion(points), intrinsics: camera, size: [96, 160])
    assertClose(grid, try XCTUnwrap(expected["grid"]), tolerance: 1e-4, "grid")
    let warped = warp(image("image_next"), depth: depth, intrinsics: camera, motion: motion)
    // Noise magnifies the grid's rounding.
    assertClose(warped, try XCTUnwrap(expected["warped_border_aligntrue"]), tolerance: 5e-4, "warped")
  }

  func testLossesAgreeWithTheReference() throws {
    let expected = try expected(), (target, other) = (image("image"), image("image_next"))
    assertClose(structuralDissimilarity(other, target), try XCTUnwrap(expected["ssim"]), tolerance: 1e-4, "ssim")
    assertClose(photometricError(other, target), try XCTUnwrap(expected["photometric"]), tolerance: 1e-4, "photometric")
    let disparity = ReferenceRule.tensor("disparity", [1, 1, 96, 160]) * 0.5 + 0.5
    let raw = edgeAwareSmoothness(disparity, image: target)
    assertClose(raw, try XCTUnwrap(expected["smoothness_raw_disp"]), tolerance: 1e-5, "smoothness, raw")
    let relative = disparity / (disparity.mean(axes: [2, 3], keepDimensions: true) + 1e-7)
    let smoothness = edgeAwareSmoothness(relative, image: target)
    assertClose(smoothness, try XCTUnwrap(expected["smoothness"]), tolerance: 1e-5, "smoothness")
  }

  private func assertMotion(_ motion: RigidMotion, _ expected: Tensor?) throws {
    let rows = concatenate([motion.rotation, motion.translation.reshaped(1, 3, 1)], axis: 2)
    assertClose(rows, try XCTUnwrap(expected).slice(axis: 1, 0..<3), tolerance: 1e-4, "motion")
  }
}
