import SegFormats
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

import SegInverseForm

/// The losses against the released code's own numbers.
final class JointLossTests: XCTestCase {
  private let expected = try! Fixtures.archive("reference/inverseform_inversenet.safetensors").tensors

  private func boundaryLogits() -> Tensor { ReferenceRule.tensor("edge_logits", [1, 1, 96, 160]) * 4 }
  private func boundaryTarget() -> Tensor {
    Tensor([1, 1, 96, 160], ReferenceRule.values("edge_target", count: 96 * 160).map { $0 > 0.8 ? 1 : 0 })
  }
  private func classLogits() -> Tensor { ReferenceRule.tensor("seg_logits", [1, 19, 96, 160]) * 3 }
  private func labels() -> Labels {
    Labels(
      [1, 96, 160],
      ReferenceRule.values("seg_labels", count: 96 * 160).map {
        let label = Int32((10.5 * ($0 + 1)).rounded(.down))
        return label >= 19 ? 255 : label
      })
  }

  /// The 100 million weights come from the rule, two arrays at a time.
  private func released(side: Int, outputs: Int) -> ReleasedInverseNetwork {
    let network = ReleasedInverseNetwork(side: side, outputs: outputs)
    ReferenceRule.fill(network)
    return network
  }

  func testReleasedNetworkAndItsLoss() throws {
    let network = released(side: 224, outputs: 4)
    XCTAssertEqual(network.parameterCount, 100_385_164)
    XCTAssertEqual(
      network.state.map(\.name), ["fc.0.weight", "fc.0.bias", "fc.2.weight", "fc.2.bias", "fc.4.weight", "fc.4.bias"])
    func compare(_ found: Tensor, _ name: String) throws {
      let error = assertClose(found, try XCTUnwrap(expected[name]), tolerance: 1e-4, name)
      print("\(name): \(error)")
    }
    let soft = (ReferenceRule.tensor("prediction", [1, 1, 224, 224]) + 1) * 0.5
    let binary = Tensor(
      [1, 1, 224, 224], ReferenceRule.values("target", count: 224 * 224).map { $0 > 0.9 ? 1 : 0 })
    try compare(network(soft, binary), "inversenet_soft_vs_binary")
    try compare(network(binary, binary), "inversenet_same_binary")
    // Not 0 for equal maps: the released network's noise floor, which the report of a network states.
    XCTAssertGreaterThan(network(binary, binary).square().sum().scalar, 0)

    let loss = InverseFormLoss(network), logits = boundaryLogits(), target = boundaryTarget()
    XCTAssertEqual(TileLayout(height: 1024, width: 2048), TileLayout(rows: 3, columns: 6))
    let released = InverseFormLoss(network, layout: TileLayout(rows: 3, columns: 6))
    try compare(released.coefficients(sigmoid(logits), target), "loss_sigmoid_tile_coefficients")
    try compare(released(logits: logits, target: target).reshaped(1), "loss_sigmoid")
    XCTAssertNotEqual(loss(logits: logits, target: target).scalar, 0)
    // The published quirk: a log-softmax over one channel is 0 everywhere, and so is its gradient.
    let blank = logSoftmax(logits, axis: 1)
    XCTAssertEqual(blank.abs().maximum().scalar, 0)
    let published = released.coefficients(blank, target)
    try compare(published, "loss_published_tile_coefficients")
    try compare(TransformDistance.euclidean(published, .shiftScale).mean().reshaped(1), "loss_published_logsoftmax")
    let (_, dead) = valueAndGradient(at: [logits]) {
      TransformDistance.euclidean(released.coefficients(logSoftmax($0[0], axis: 1), target), .shiftScale).mean()
    }
    XCTAssertEqual(dead[0].abs().maximum().scalar, 0, "the released loss teaches nothing")
    let (_, alive) = valueAndGradient(at: [logits]) { released(logits: $0[0], target: target) }
    XCTAssertGreaterThan(alive[0].abs().maximum().scalar, 0, "ours does")
  }

  func testSmallReleasedNetwork() throws {
    let network = released(side: 112, outputs: 2)
    let soft = (ReferenceRule.tensor("prediction", [1, 1, 112, 112]) + 1) * 0.5
    let binary = Tensor(
      [1, 1, 112, 112], ReferenceRule.values("target", count: 112 * 112).map { $0 > 0.9 ? 1 : 0 })
    assertClose(network(soft, binary), try XCTUnwrap(expected["smallinversenet_soft_vs_binary"]), tolerance: 1e-4)
  }

  func testJointTerms() throws {
    let (logits, labels, boundary) = (classLogits(), labels(), boundaryLogits())
    func compare(_ found: Tensor, _ name: String) throws {
      assertClose(found.reshaped(-1), try XCTUnwrap(expected[name]), tolerance: 1e-4, name)
    }
    try compare(batchClassWeights(labels, classes: 19), "joint_class_weights")
    try compare(releasedCrossEntropy(logits, labels, ignoreIndex: 255), "joint_seg_loss")
    try compare(balancedBoundaryEntropy(boundary, boundaryTarget()), "joint_edge_bce")
    let attended = try XCTUnwrap(labels.attended(by: boundary, above: 0.8, ignoreIndex: 255))
    try compare(releasedCrossEntropy(logits, attended, ignoreIndex: 255), "joint_edge_attention")
  }

  func testEdgeAttentionIsSafeWhenNoPixelPasses() {
    let labels = labels(), none = Tensor([1, 1, 96, 160], filledWith: -5)
    XCTAssertNil(labels.attended(by: none, above: 0.8, ignoreIndex: 255))
    var loss = JointLoss(inverse: nil)
    loss.attention = 0.1
    let all = Labels([1, 96, 160], filledWith: 255)
    XCTAssertTrue(
      loss(logits: classLogits(), boundary: none, labels, ignoreIndex: 255, progress: 0.5).scalar.isFinite)
    XCTAssertEqual(releasedCrossEntropy(classLogits(), all, ignoreIndex: 255).scalar, 0)
  }

  /// A recipe's keys reach the terms: attention adds the released cross entropy once more, of the attended pixels.
  func testRecipeKeysReachTheTerms() throws {
    let (logits, labels, boundary) = (classLogits(), labels(), boundaryLogits())
    func value(_ change: (inout Recipe.Loss) -> Void) -> Float {
      var recipe = Recipe.Loss()
      recipe.classWeights = .released
      change(&recipe)
      let loss = JointLoss(recipe, segmentation: SegmentationLoss(recipe)) { AntisymmetricInverseNetwork(seed: 3) }
      return loss(logits: logits, boundary: boundary, labels, ignoreIndex: 255, progress: 0.5).scalar
    }
    let entropy = try XCTUnwrap(expected["joint_seg_loss"]).scalars[0]
    let attention = try XCTUnwrap(expected["joint_edge_attention"]).scalars[0]
    XCTAssertEqual(value { _ in }, entropy, accuracy: 1e-4 * entropy)
    XCTAssertEqual(value { $0.attention = 0.1 }, entropy + 0.1 * attention, accuracy: 1e-4 * entropy)
    let target = SegKernels.boundaryTarget(of: labels, ignoreIndex: 255)
    let counted = Tensor(target.shape, labels.values.map { $0 == 255 ? 0 : 1 })
    let pixels = balancedBoundaryEntropy(boundary, target, counted: counted).scalar
    XCTAssertEqual(value { $0.boundary = 0.3 }, entropy + 0.3 * pixels, accuracy: 1e-4 * entropy)
    XCTAssertGreaterThan(value { $0.inverseForm = 0.3 }, value { _ in })
  }

  /// γ rises over the first fifth of the run.
  func testRamp() {
    let network = AntisymmetricInverseNetwork(seed: 3), labels = labels()
    var loss = JointLoss(inverse: InverseFormLoss(network))
    loss.boundary = 0
    func value(_ progress: Float) -> Float {
      loss(logits: classLogits(), boundary: boundaryLogits(), labels, ignoreIndex: 255, progress: progress).scalar
    }
    let (start, half, full, later) = (value(0), value(0.1), value(0.2), value(0.9))
    XCTAssertGreaterThan(full, start)
    XCTAssertEqual(half - start, (full - start) / 2, accuracy: 1e-4)
    XCTAssertEqual(full, later)
  }
}
