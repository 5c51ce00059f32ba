import Foundation
import SegData
import SegImages
import SegKernels
import SegTestSupport
import SegTraining
import SegXDistill
import XCTest

/// What must hold of warping and of the distillation, whatever the weights.
final class WarpingTests: XCTestCase {
  func testAnIdentityPoseGivesTheImageItself() {
    var random = RandomSource(seed: 1)
    let image = Tensor.uniform([2, 3, 32, 64], using: &random)
    let depth = Tensor.uniform([2, 1, 32, 64], in: 1..<50, using: &random)
    let camera = Tensor([2, 4], [40, 40, 31.5, 15.5, 50, 50, 30, 16])
    assertClose(warp(image, depth: depth, intrinsics: camera, motion: .identity(2)), image, tolerance: 1e-4)
  }

  /// Exact depth and pose, no sensor, no occlusion: the neighbour shows what the frame shows.
  func testExactDepthAndPoseReconstructTheFrame() {
    let streets = StreetScenes(split: "test", size: [128, 256], domains: [.clear], hasSensor: false)
    let clip = streets.clip(at: 0, frames: 3), frames = clip.frames(at: [1, 2])
    let flow = clip.flow(from: 1, to: 2), camera = frames[0].camera
    // The sky is far away, not near.
    let depth = Tensor([1, 1, 128, 256], frames[0].depth.scalars.map { $0 > 0 ? $0 : 1e4 })
    let target = Tensor(frames[0].image, normalization: .unit), next = Tensor(frames[1].image, normalization: .unit)
    let intrinsics = Tensor([camera.intrinsics(size: [128, 256])])
    func residual(_ motion: RigidMotion) -> Float {
      let difference = (warp(next, depth: depth, intrinsics: intrinsics, motion: motion) - target).abs()
      let errors = difference.mean(axes: [1]).scalars
      let seen = errors.indices.filter { flow.occluded.values[$0] == 0 && flow.moving.values[$0] == 0 }
      return seen.reduce(0) { $0 + errors[$1] } / Float(seen.count)
    }
    let motion = RigidMotion([camera.motion(to: frames[1].camera)])
    let exact = residual(motion), back = residual(motion.inverse)
    XCTAssertLessThanOrEqual(exact, 0.02)
    XCTAssertGreaterThan(back, exact)
  }

  /// The gradient of the warped image over depth and pose against central differences, on a smooth image.
  func testGradientsOfWarping() {
    let area = 12 * 16
    let image = Tensor(
      [1, 1, 12, 16], (0..<area).map { (pixel: Int) -> Float in 0.05 * Float(pixel % 16) + 0.02 * Float(pixel / 16) })
    let camera = Tensor([1, 4], [12, 12, 7.5, 5.5])
    var random = RandomSource(seed: 4)
    let inputs = [
      Tensor.uniform([1, 1, 12, 16], in: 4..<5, using: &random), Tensor([1, 3], [0.01, -0.02, 0.015]),
      Tensor([1, 3], [0.1, 0.05, 0.2]),
    ]
    let weights = Tensor.uniform([1, 1, 8, 12], in: -1..<1, using: &random)
    func value(_ x: [Tensor]) -> Tensor {
      let motion = RigidMotion(axisAngle: x[1], translation: x[2])
      let warped = warp(image, depth: x[0], intrinsics: camera, motion: motion)
      // The edge, where sampling is cut off, has a kink.
      return (warped.slice(axis: 2, 2..<10).slice(axis: 3, 2..<14) * weights).sum()
    }
    let gradients = valueAndGradient(at: inputs, value).gradients
    for input in 1...2 {
      for element in 0..<3 {
        func moved(_ step: Float) -> Double {
          var x = inputs
          var numbers = x[input].scalars
          numbers[element] += step
          x[input] = Tensor([1, 3], numbers)
          return Double(value(x).scalar)
        }
        let slope = (moved(5e-3) - moved(-5e-3)) / 1e-2
        XCTAssertEqual(Double(gradients[input].scalars[element]), slope, accuracy: 1e-2 * max(1, abs(slope)))
      }
    }
    XCTAssertTrue(gradients[0].scalars.contains { $0 != 0 })
  }

  /// Rotations of small and large angles keep lengths, at 0 too, and their gradients are those of the differences.
  func testRotationsOfAxisAngles() {
    let vectors: [[Float]] = [[0, 0, 0], [1e-5, 0, -1e-5], [0.009, 0.003, 0.001], [0.5, -1, 2], [0, 0, .pi]]
    for vector in vectors {
      let x = Tensor([1, 3], vector), r = rotation(axisAngle: x).reshaped(3, 3)
      assertClose(matmul(r, r.transposed()), Tensor([3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1]), tolerance: 1e-6)
      let weights = Tensor([1, 3, 3], (0..<9).map { (index: Int) -> Float in Float(index * index % 7) - 2 })
      let gradient = valueAndGradient(at: [x]) { (rotation(axisAngle: $0[0]) * weights).sum() }.gradients[0].scalars
      for axis in 0..<3 {
        func moved(_ step: Float) -> Double {
          var numbers = vector
          numbers[axis] += step
          return Double((rotation(axisAngle: Tensor([1, 3], numbers)) * weights).sum().scalar)
        }
        XCTAssertEqual(Double(gradient[axis]), (moved(0.01) - moved(-0.01)) / 0.02, accuracy: 5e-3, "\(vector)")
      }
    }
    let quarter = rotation(axisAngle: Tensor([1, 3], [0, 0, .pi / 2]))
    assertClose(quarter, Tensor([1, 3, 3], [0, -1, 0, 1, 0, 0, 0, 0, 1]), tolerance: 1e-6)
  }

  /// Before its start the distillation teaches the translator alone; then the depth as well.
  func testBeforeItsStartDistillationLeavesTheDepthAlone() throws {
    let streets = StreetScenes(split: "train", size: [64, 96], seed: 2)
    let clips = DepthClips(streets, clips: 1)
    let configuration = try XCTUnwrap(DepthConfiguration(name: "monodepth2_resnet18_half"))
    let batch = Batch(
      images: Tensor([clips.sample(at: 0).image], normalization: .unit),
      labels: clips.sample(at: 0).labels.reshaped([1, 64, 96]), names: [clips.sample(at: 0).name])
    func gradients(_ distillation: Float, at progress: Float) -> [(name: String, value: Tensor?)] {
      var settings = Recipe.Depth()
      (settings.distillation, settings.distillationStart) = (distillation, 0.5)
      // From 10 m on; where the sigmoid is saturated there is nothing to move.
      let network = DepthNetwork(configuration, seed: 1)
      network.start(at: 10)
      let task = DepthTask(
        network, pose: nil, clips: clips, settings: settings,
        grouping: distillation > 0 ? .geometry6 : nil, seed: 1)
      task.network.setTraining(true)
      let found = valueAndGradient(of: task.network) { _ in task.loss(batch, progress: progress) }.gradients
      return task.network.state.map { ($0.name, found[$0.parameter]) }.filter { $0.value != nil }
    }
    func depth(_ gradients: [(name: String, value: Tensor?)]) -> [[UInt32]] {
      gradients.filter { $0.name.hasPrefix("depth.") }.map { bits($0.value!) }
    }
    let alone = depth(gradients(0, at: 0)), before = gradients(0.5, at: 0.49), after = gradients(0.5, at: 0.5)
    XCTAssertFalse(alone.isEmpty)
    XCTAssertEqual(depth(before), alone)
    XCTAssertNotEqual(depth(after), alone)
    for found in [before, after] {
      let translator = found.filter { $0.name.hasPrefix("translator.") }
      XCTAssertTrue(translator.contains { $0.value!.abs().sum().scalar > 0 })
    }
  }

  /// A teacher's probabilities teach what they say: where all of them are at one class, the same as decisions; and groups
  /// get the sums of their classes.
  func testSoftTargets() {
    let logits = ReferenceRule.tensor("logits", [2, 6, 5, 7]), grouping = ClassGrouping.geometry6
    let labels = Labels([2, 5, 7], (0..<70).map { Int32($0 * 5 % 19) })
    var certain = [Float](repeating: 0, count: 2 * 19 * 35)
    for (pixel, label) in labels.values.enumerated() { certain[(pixel / 35 * 19 + Int(label)) * 35 + pixel % 35] = 1 }
    let soft = crossEntropy(logits, targets: grouping(Tensor([2, 19, 5, 7], certain)))
    XCTAssertEqual(soft.scalar, crossEntropy(logits, grouping(labels), ignoreIndex: 255).scalar, accuracy: 1e-5)

    let probabilities = softmax(ReferenceRule.tensor("classes", [1, 19, 2, 3]) * 4), groups = grouping(probabilities)
    var expected = [Double](repeating: 0, count: 36)
    for c in 0..<19 {
      for pixel in 0..<6 {
        expected[Int(grouping.groups[c]) * 6 + pixel] += Double(probabilities.scalars[c * 6 + pixel])
      }
    }
    for (found, expected) in zip(groups.scalars, expected) { XCTAssertEqual(Double(found), expected, accuracy: 1e-6) }

    // −Σ t log softmax(x), in doubles.
    let x = ReferenceRule.tensor("x", [1, 6, 2, 3])
    var sum = 0.0
    for pixel in 0..<6 {
      let row = (0..<6).map { Double(x.scalars[$0 * 6 + pixel]) }, total = row.reduce(0) { $0 + Foundation.exp($1) }
      for c in 0..<6 { sum -= expected[c * 6 + pixel] * (row[c] - Foundation.log(total)) }
    }
    XCTAssertEqual(Double(crossEntropy(x, targets: groups).scalar), sum / 6, accuracy: 1e-6)
  }

  /// With the photometric loss left out, the distillation alone brings gradients to disparity.
  func testDistillationAloneMovesTheDisparity() {
    let translator = DepthTranslator(groups: 6, seed: 1)
    translator.setTraining(true)
    let labels = ClassGrouping.geometry6(Labels([1, 16, 32], (0..<512).map { Int32($0 % 19) }))
    var random = RandomSource(seed: 2)
    let disparity = Tensor.uniform([1, 1, 16, 32], in: 0.1..<0.9, using: &random)
    func loss(_ x: Tensor) -> Tensor { crossEntropy(translator(x), labels, ignoreIndex: 255) }
    let (before, gradients) = valueAndGradient(at: [disparity]) { loss($0[0]) }
    let norm = gradients[0].square().sum().scalar.squareRoot()
    XCTAssertGreaterThan(norm, 0)
    XCTAssertLessThan(loss(disparity - gradients[0] * (0.02 / norm)).scalar, before.scalar)
  }
}
