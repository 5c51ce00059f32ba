import Foundation
import SegFormats
import SegKernels
import SegPISR
import SegTestSupport
import SegTraining
import XCTest

/// The released network against its authors' definitions: keys, shapes and outputs; and its loss.
final class PanopticDeepLabTests: XCTestCase {
  private func released() throws -> PanopticDeepLab {
    try XCTUnwrap(PanopticConfiguration(name: "panoptic_deeplab_resnet50")).makeDeepLab(seed: nil)
  }

  func testKeysAndShapes() throws {
    let published = try Fixtures.json("reference/panopticdeeplab_states.json", as: [String: [String: [Int]]].self)
    let state = Dictionary(uniqueKeysWithValues: try released().state.map { ($0.name, $0.parameter.shape.dimensions) })
    XCTAssertEqual(Set(state.keys).symmetricDifference(published["r50"]!.keys).sorted().prefix(5), [])
    XCTAssertEqual(state, published["r50"])
  }

  func testOutputsAgreeWithTheReference() throws {
    let expected = try Fixtures.archive("reference/panopticdeeplab_r50_outputs.safetensors").tensors
    let network = try released()
    ReferenceRule.fill(network)
    let outputs = network.outputs(ReferenceRule.tensor("input", [1, 3, 97, 161]))
    func compare(_ found: Tensor, _ name: String) throws {
      let error = assertClose(found, try XCTUnwrap(expected[name]), tolerance: 1e-4, name)
      print("\(name): \(error)")
    }
    try compare(outputs[1], "center_low")
    try compare(outputs[2], "offset_low")
    // The release enlarges with corners aligned, and multiplies offsets by the whole number (97 − 1) / (25 − 1).
    func enlarged(_ map: Tensor) -> Tensor { resize(map, to: [97, 161], alignCorners: true) }
    try compare(enlarged(outputs[0]), "semantic")
    try compare(enlarged(outputs[1]), "center")
    try compare(enlarged(outputs[2]) * 4, "offset")
  }

  /// Void and groups count in no loss: what the network says there changes nothing.
  func testVoidAndGroupsAreMaskedOutOfEveryLoss() throws {
    let network = try XCTUnwrap(PanopticConfiguration(name: "panoptic_deeplab_ffnet22S_half")).makeDeepLab(seed: 1)
    var random = RandomSource(seed: 2)
    let size: Shape = [1, 32, 64]
    // Void left, a group of people beside it, then a car and road.
    let labels = Labels(size, (0..<(32 * 64)).map { [255, 11, 13, 0][$0 % 64 / 16] })
    let instances = Labels(size, (0..<(32 * 64)).map { $0 % 64 / 16 == 2 ? 26000 : 0 })
    let truth = PanopticTruth(labels: labels, instances: instances, things: network.things, ignoreIndex: 255)
    var settings = Recipe.Panoptic()
    settings.hardShare = 1
    func loss(_ semantic: Tensor, _ center: Tensor, _ offset: Tensor) -> Float {
      network.loss(of: .init(semantic: semantic, center: center, offset: offset), truth, settings).scalar
    }
    let maps =
      [Tensor.normal([1, 19, 32, 64], using: &random), .normal([1, 1, 32, 64], using: &random)]
      + [.normal([1, 2, 32, 64], using: &random)]
    let before = loss(maps[0], maps[1], maps[2])
    /// A map with other values in the columns from..<to.
    func changed(_ map: Tensor, _ columns: Range<Int>) -> Tensor {
      var map = map
      map.withUnsafeMutableBufferPointer { for i in $0.indices where columns.contains(i % 64) { $0[i] += 3 } }
      return map
    }
    XCTAssertEqual(loss(changed(maps[0], 0..<32), changed(maps[1], 0..<32), changed(maps[2], 0..<32)), before)
    // Offsets count on the car alone, centres on the road as well.
    XCTAssertEqual(loss(maps[0], maps[1], changed(maps[2], 48..<64)), before)
    XCTAssertNotEqual(loss(maps[0], changed(maps[1], 48..<64), maps[2]), before)
    XCTAssertNotEqual(loss(maps[0], maps[1], changed(maps[2], 32..<48)), before)
  }

  /// Last layers start near zero. So the first loss is what a network says that knows nothing: log 19 for the
  /// classes, and the errors of zero maps; by He's rule it was some 3,500.
  func testFirstLossIsThatOfZeroMaps() throws {
    for name in ["panoptic_deeplab_ffnet22S_half", "pisr_deeplab_ffnet22S_half"] {
      let network = try XCTUnwrap(PanopticConfiguration(name: name)).makeNetwork(seed: 1)
      network.setTraining(true)
      let size: Shape = [2, 64, 64]
      func isCar(_ i: Int) -> Bool { i % 64 < 24 && i / 64 % 64 > 20 }
      let truth = PanopticTruth(
        labels: Labels(size, (0..<size.elementCount).map { isCar($0) ? 13 : 0 }),
        instances: Labels(size, (0..<size.elementCount).map { isCar($0) ? 26000 : 0 }),
        things: network.things, ignoreIndex: 255)
      var settings = Recipe.Panoptic()
      (settings.sigma, settings.hardShare, settings.smallArea) = (4, 1, 0)
      let targets = PanopticTargets(
        labels: truth.labels, instances: truth.instances, things: truth.things, ignoreIndex: 255,
        rules: .init(sigma: 4, smallArea: 0, smallWeight: 3))
      let cars = Float((0..<64 * 64).count { isCar($0) })
      let squares = targets.center.scalars.reduce(0) { $0 + $1 * $1 } / Float(size.elementCount)
      let ways = zip(targets.offset.scalars, 0...).reduce(Float(0)) { $0 + abs($1.0) } / (2 * cars * 2)
      let zero = log(Float(19)) + 200 * squares + 0.01 * ways
      let both = name.hasPrefix("pisr") ? 1 + settings.initial : 1
      var random = RandomSource(seed: 5)
      let loss = network.loss(.normal([2, 3, 64, 64], using: &random), truth, settings).scalar
      XCTAssertEqual(loss, both * zero, accuracy: 0.02 * both * zero, name)
    }
  }

  /// The gradient of the loss with respect to classes, centres and offsets, over all pixels.
  func testGradientsOfTheLoss() throws {
    let network = try XCTUnwrap(PanopticConfiguration(name: "panoptic_deeplab_ffnet22S_half")).makeDeepLab(seed: nil)
    let size: Shape = [1, 32, 32]
    func isCar(_ i: Int) -> Bool { i % 32 < 12 && i / 32 > 10 }
    let truth = PanopticTruth(
      labels: Labels(size, (0..<size.elementCount).map { $0 < 32 ? 255 : isCar($0) ? 13 : 0 }),
      instances: Labels(size, (0..<size.elementCount).map { isCar($0) ? 26000 : 0 }), things: network.things,
      ignoreIndex: 255)
    var settings = Recipe.Panoptic(), random = RandomSource(seed: 2)
    (settings.sigma, settings.hardShare) = (4, 1)
    // Factors that make the three parts alike: none is then lost in the rounding of another.
    (settings.center, settings.offset) = (1, 0.2)
    let inputs = [19, 1, 2].map { Tensor.normal([1, $0, 8, 8], using: &random) }
    assertGradientsAreSlopes(at: inputs, cotangent: Tensor(1)) {
      network.loss(of: .init(semantic: $0[0], center: $0[1], offset: $0[2]), truth, settings)
    }
  }

  /// A few steps on one batch bring the loss down, and every trainable parameter gets a gradient.
  func testLearns() throws {
    for name in ["panoptic_deeplab_ffnet22S_half", "pisr_deeplab_ffnet22S_half"] {
      let network = try XCTUnwrap(PanopticConfiguration(name: name)).makeNetwork(seed: 1)
      network.setTraining(true)
      var random = RandomSource(seed: 5)
      let size: Shape = [2, 64, 64]
      let truth = PanopticTruth(
        labels: Labels(size, (0..<(2 * 64 * 64)).map { $0 % 64 < 24 && $0 / 64 % 64 > 20 ? 13 : 0 }),
        instances: Labels(size, (0..<(2 * 64 * 64)).map { $0 % 64 < 24 && $0 / 64 % 64 > 20 ? 26000 : 0 }),
        things: network.things, ignoreIndex: 255)
      var settings = Recipe.Panoptic()
      (settings.sigma, settings.smallArea) = (4, 0)
      let x = Tensor.normal([2, 3, 64, 64], using: &random)
      let optimizer = AdamW(learningRate: 0.002, weightDecay: 0)
      func step(_ network: some PanopticNetwork) -> (Float, Gradients) {
        let (loss, gradients) = valueAndGradient(of: network) { $0.loss(x, truth, settings) }
        optimizer.update(network, with: gradients)
        return (loss.scalar, gradients)
      }
      let first = step(network).0
      var last = first, gradients: Gradients?
      for _ in 0..<12 { (last, gradients) = step(network) }
      XCTAssertLessThan(last, 0.6 * first, name)
      let found = try XCTUnwrap(gradients)
      for (name, parameter) in network.state where parameter.isTrainable {
        XCTAssertNotNil(found[parameter], name)
      }
    }
  }
}
