import SegData
import SegFFNet
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

import SegInverseForm

/// Classes, depth and boundaries on one encoder.
final class MultiTaskTests: XCTestCase {
  private let base = FFNet(FFNetConfiguration(name: "segmentation_ffnet22S_half_BCC")!, seed: 1)

  func testNetworkKeepsTheNamesUnderneath() {
    let network = MultiTaskNetwork(base, seed: 2), names = network.state.map(\.name)
    XCTAssertEqual(names.filter { !$0.hasPrefix("depth_head.") }, base.state.map(\.name))
    XCTAssertTrue(names.contains("depth_head.3.bias"))
    let x = ReferenceRule.tensor("images", [1, 3, 64, 128])
    network.setTraining(false)
    let (logits, logDepth) = network.outputs(x)
    XCTAssertEqual(bits(logits), bits(base(x)))
    XCTAssertEqual(logDepth.shape, [1, 1, logits.shape[2], logits.shape[3]])
    XCTAssertEqual(MultiTaskNetwork.base(of: "multitask_hrnet18"), "hrnet18")
    XCTAssertNil(MultiTaskNetwork.base(of: "hrnet18"))
  }

  /// Boundaries cost nothing at inference; depth is there.
  func testInferenceGraphHasDepthAndNoBoundaries() {
    let branch = BoundaryBranch(MultiTaskNetwork(base, seed: 2), seed: 3)
    let graph = Graph.capture(inputs: [[1, 3, 64, 128]], parameters: branch.network) {
      let (logits, logDepth) = (branch.network as! MultiTaskNetwork).outputs($0[0])
      return [logits, logDepth]
    }
    XCTAssertTrue(graph.values.contains { $0.name.hasPrefix("depth_head.") })
    XCTAssertFalse(graph.values.contains { $0.name.hasPrefix("boundary_head.") })
  }

  /// The loss is a sum in which depth has its factor, pixels of unknown depth do not count, and all heads learn.
  func testEveryTaskLearns() {
    let branch = BoundaryBranch(MultiTaskNetwork(base, seed: 2), seed: 3)
    let classes = (0..<(64 * 128)).map { pixel -> Int32 in Int32(pixel % 128) / 40 }
    let labels = Labels([1, 64, 128], classes)
    let known = (0..<(64 * 128)).map { pixel -> Float in
      let (row, column) = (pixel / 128, pixel % 128)
      return column < 64 ? Float(2 + row) : 0
    }
    let batch = Batch(
      images: ReferenceRule.tensor("images", [1, 3, 64, 128]), labels: labels, depth: Tensor([1, 1, 64, 128], known),
      names: ["a"])
    func task(_ depth: Float) -> InverseFormTask {
      var recipe = Recipe.Loss()
      (recipe.boundary, recipe.inverseForm, recipe.depth) = (0.3, 0.3, depth)
      let loss = JointLoss(recipe, segmentation: SegmentationLoss(recipe)) { AntisymmetricInverseNetwork(seed: 4) }
      return InverseFormTask(branch, ignoreIndex: 255, loss: loss)
    }
    XCTAssertEqual(task(1).deployedNetwork.state.map(\.name), branch.network.state.map(\.name))
    branch.setTraining(true)
    let (with, gradients) = valueAndGradient(of: branch) { _ in task(1).loss(batch, progress: 0.5) }
    XCTAssertEqual(gradients.count, branch.parameters.filter(\.isTrainable).count)
    let pass = branch.supervised(batch.images)[0]
    let logDepth = resize(pass.logDepth!, to: [64, 128]).scalars
    let errors = zip(logDepth, known).filter { $1 > 0 }.map { abs(Double($0) - log(Double($1))) }
    let expected = errors.reduce(0, +) / Double(errors.count)
    let without = task(0).loss(batch, progress: 0.5).scalar
    XCTAssertEqual(Double(with.scalar - without), expected, accuracy: 1e-3 * expected)
  }

  /// Depth follows the crop and the mirror, and an enlarged image is as much nearer.
  func testDepthFollowsTheCrop() throws {
    let streets = StreetScenes(split: "dev", count: 4, size: [48, 96])
    let whole = BatchLoader(
      streets, batchSize: 2, augmentation: Augmentation(scale: 1...1, crop: [48, 96], flips: false), seed: 1)
    let batch = try whole.batch(at: 0)
    for (slot, name) in batch.names.enumerated() {
      let index = try XCTUnwrap((0..<4).first { streets.name(at: $0) == name })
      XCTAssertEqual(
        try XCTUnwrap(batch.depth).slice(axis: 0, slot..<(slot + 1)).scalars, streets.frame(at: index).depth.scalars)
    }
    let twice = BatchLoader(
      streets, batchSize: 2, augmentation: Augmentation(scale: 2...2, crop: [96, 192], flips: false), seed: 1)
    let near = try XCTUnwrap(twice.batch(at: 0).depth), far = try XCTUnwrap(batch.depth)
    for (y, x) in [(0, 0), (95, 191), (60, 31)] {
      XCTAssertEqual(near[0, 0, y, x], far[0, 0, y / 2, x / 2] / 2)
    }
  }
}
