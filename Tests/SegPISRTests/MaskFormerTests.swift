import Foundation
import SegData
import SegKernels
import SegMetrics
import SegPISR
import SegTestSupport
import SegTraining
import XCTest

/// The second base: matching, losses, inference, and PISR around it.
final class MaskFormerTests: XCTestCase {
  private let things = PanopticConfiguration.cityscapesThings

  private func configuration(_ name: String) throws -> PanopticConfiguration {
    try XCTUnwrap(PanopticConfiguration(name: name))
  }

  private func image() -> Tensor {
    var random = RandomSource(seed: 1)
    return .normal([1, 3, 64, 96], using: &random)
  }

  /// Road, and left of column 24 and below row 20 a car; right of column 48 another; void in the first row.
  private func truth(_ images: Int = 1, height: Int = 64, width: Int = 64) -> PanopticTruth {
    func kind(_ i: Int) -> Int {
      let (row, column) = (i / width % height, i % width)
      if row == 0 { return 3 }
      return row > 20 && column < 24 ? 1 : row > 20 && column >= 48 ? 2 : 0
    }
    let shape: Shape = [images, height, width]
    return PanopticTruth(
      labels: Labels(shape, (0..<shape.elementCount).map { [0, 13, 13, 255][kind($0)] }),
      instances: Labels(shape, (0..<shape.elementCount).map { [0, 26000, 26001, 0][kind($0)] }), things: things,
      ignoreIndex: 255)
  }

  /// No other assignment costs less: against all of them.
  func testAssignmentCostsLeast() {
    var random = RandomSource(seed: 3)
    func least(_ costs: [[Double]], _ row: Int = 0, _ used: Set<Int> = []) -> Double {
      guard row < costs.count else { return 0 }
      return costs[row].indices.filter { !used.contains($0) }.map {
        costs[row][$0] + least(costs, row + 1, used.union([$0]))
      }.min()!
    }
    for (rows, columns) in [(1, 1), (1, 5), (4, 4), (5, 7), (6, 6)] {
      for _ in 0..<20 {
        // Small whole numbers, so that there are equals.
        let costs = (0..<rows).map { _ in (0..<columns).map { _ in Double(Int.random(in: -4...9, using: &random)) } }
        let found = minimumCostAssignment(costs).compactMap { $0 }
        XCTAssertEqual(Set(found).count, rows)
        XCTAssertEqual(zip(costs, found).reduce(0) { $0 + $1.0[$1.1] }, least(costs))
        // Turned, as many rows are left over as there are more of them than columns.
        let turned = minimumCostAssignment((0..<columns).map { column in costs.map { $0[column] } })
        XCTAssertEqual(turned.count { $0 == nil }, columns - rows)
        var sum = 0.0
        for (column, row) in turned.enumerated() { if let row { sum += costs[row][column] } }
        XCTAssertEqual(sum, least(costs))
      }
    }
    XCTAssertEqual(minimumCostAssignment([]).count, 0)
    XCTAssertEqual(minimumCostAssignment([[], []]), [nil, nil])
  }

  /// Queries that say what is there, five of them, in an order of their own: which of them each pixel belongs to.
  private func prediction(_ order: [Int], confidence: Float = 9) -> MaskFormer.Layer {
    let truth = truth(), area = 64 * 64
    var classes = [Float](repeating: 0, count: 5 * 20), masks = [Float](repeating: -confidence, count: 5 * area)
    for (place, segment) in order.enumerated() {
      classes[place * 20 + [0, 13, 13, 19, 19][segment]] = confidence
      for pixel in 0..<area {
        let label = truth.labels.values[pixel], instance = truth.instances.values[pixel]
        let own = label == 255 ? 0 : label == 0 ? 0 : instance == 26000 ? 1 : 2
        if own == segment { masks[place * area + pixel] = confidence }
      }
    }
    return MaskFormer.Layer(classes: Tensor([1, 5, 20], classes), masks: Tensor([1, 5, 64, 64], masks))
  }

  private func loss(_ layer: MaskFormer.Layer, _ settings: Recipe.Panoptic = .init()) throws -> Tensor {
    try configuration("maskformer_ffnet22S_half").makeMaskFormer(seed: nil)
      .loss(of: .init(layers: [layer]), truth(), settings)
  }

  /// Right answers cost almost nothing, in whatever order; a query that says the wrong class costs its share.
  func testLossOfRightAnswersInAnyOrder() throws {
    let right = try loss(prediction([0, 1, 2, 3, 4])).scalar
    XCTAssertLessThan(right, 0.02)
    for order in [[4, 2, 0, 3, 1], [3, 4, 2, 1, 0]] {
      XCTAssertEqual(try loss(prediction(order)).scalar, right, accuracy: 1e-5)
    }
    var wrong = prediction([0, 1, 2, 3, 4])
    var classes = wrong.classes.scalars
    // The first car is said to be nothing: 9 nats of three queries that count 1 and two that count 0.1.
    (classes[20 + 13], classes[20 + 19]) = (0, 9)
    wrong = .init(classes: Tensor([1, 5, 20], classes), masks: wrong.masks)
    XCTAssertEqual(try loss(wrong).scalar - right, 9 / 3.2, accuracy: 0.02)
  }

  /// The recipe's factors reach the loss.
  func testFactorsOfTheRecipe() throws {
    var classes = prediction([0, 1, 2, 3, 4]).classes.scalars
    (classes[20 + 13], classes[20 + 19]) = (0, 9)
    let layer = MaskFormer.Layer(classes: Tensor([1, 5, 20], classes), masks: .zeros([1, 5, 64, 64]))
    func value(_ change: (inout Recipe.Panoptic) -> Void) throws -> Float {
      var settings = Recipe.Panoptic()
      change(&settings)
      return try loss(layer, settings).scalar
    }
    let semantic = try value { ($0.focal, $0.dice) = (0, 0) }, focal = try value { ($0.semantic, $0.dice) = (0, 0) }
    let dice = try value { ($0.semantic, $0.focal) = (0, 0) }
    XCTAssertEqual(try value { _ in }, semantic + focal + dice, accuracy: 1e-4)
    let changed = try value { ($0.semantic, $0.dice, $0.focal) = (2, 3, 80) }
    XCTAssertEqual(changed, 2 * semantic + 4 * focal + 3 * dice, accuracy: 1e-3)
    // 9 nats of three queries that are matched, and of two that are not.
    XCTAssertEqual(semantic, 9 / 3.2, accuracy: 0.02)
    XCTAssertEqual(try value { ($0.focal, $0.dice, $0.noObject) = (0, 0, 0.5) }, 9 / 4, accuracy: 0.02)
  }

  /// The loss of indifferent masks by its definition: focal 0.25 · ¼ · log 2 on a segment, thrice that beside it.
  func testLossOfIndifferentMasks() throws {
    let layer = prediction([0, 1, 2, 3, 4])
    let found = try loss(.init(classes: layer.classes, masks: .zeros([1, 5, 64, 64]))).scalar
    let known: Double = 63 * 64
    let sizes: [Double] = [known - 43 * 40, 43 * 24, 43 * 16]
    var expected = 0.0
    for size in sizes {
      let own: Double = size * 0.25, others: Double = (known - size) * 0.75
      let focal: Double = (own + others) / 4 * log(2.0) / known
      let dice: Double = 1 - (size + 1) / (known / 2 + size + 1)
      expected += 20 * focal + dice
    }
    let right = try loss(layer).scalar
    XCTAssertEqual(Double(found), expected / 3, accuracy: 0.01 + Double(right))
  }

  /// The gradient along random directions against differences of the loss.
  func testGradientsOfTheLoss() throws {
    var random = RandomSource(seed: 4)
    let sharp = prediction([2, 0, 4, 1, 3], confidence: 2)
    let inputs = [
      sharp.classes + Tensor.normal([1, 5, 20], deviation: 0.3, using: &random),
      sharp.masks + Tensor.normal([1, 5, 64, 64], deviation: 0.3, using: &random),
    ]
    let network = try configuration("maskformer_ffnet22S_half").makeMaskFormer(seed: nil), truth = truth()
    func value(_ x: [Tensor]) -> Tensor {
      network.loss(of: .init(layers: [.init(classes: x[0], masks: x[1])]), truth, Recipe.Panoptic())
    }
    assertGradientsAreSlopes(at: inputs, cotangent: Tensor(1), value)
  }

  /// Right masks give the truth back; a query that others win most of is left out; so is one that is not sure.
  func testInference() throws {
    let truth = truth(), rules = MaskGroupingRules(things: things), frame = PanopticFrame(whole: [64, 64])
    func found(_ layer: MaskFormer.Layer) -> PanopticLabels {
      groupMasks(classes: layer.classes, masks: layer.masks, in: frame, rules: rules)
    }
    let right = found(prediction([2, 3, 0, 1, 4]))
    for pixel in 64..<(64 * 64) {
      XCTAssertEqual(right.labels.values[pixel], truth.labels.values[pixel])
      // The second car is the first of the queries.
      XCTAssertEqual(right.instances.values[pixel], [0: 0, 26000: 2, 26001: 1][truth.instances.values[pixel]])
    }
    // A bus on all of the image, a little surer than the rest: it wins everywhere, and what it covers is left out.
    var layer = prediction([0, 1, 2, 3, 4])
    var classes = layer.classes.scalars, masks = layer.masks.scalars
    (classes[3 * 20 + 19], classes[3 * 20 + 15]) = (0, 12)
    for pixel in 0..<(64 * 64) { masks[3 * 64 * 64 + pixel] = 12 }
    layer = .init(classes: Tensor([1, 5, 20], classes), masks: Tensor([1, 5, 64, 64], masks))
    XCTAssertEqual(Set(found(layer).labels.values), [15])
    // A little less sure, it wins where no other is, and that is too little of it.
    (classes[3 * 20 + 15], masks) = (6, masks.map { $0 == 12 ? 6 : $0 })
    layer = .init(classes: Tensor([1, 5, 20], classes), masks: Tensor([1, 5, 64, 64], masks))
    XCTAssertFalse(found(layer).labels.values.contains(15))
    let unsure = prediction([0, 1, 2, 3, 4], confidence: 1)
    XCTAssertEqual(Set(found(unsure).labels.values), [255])
    XCTAssertEqual(Set(found(unsure).instances.values), [0])
  }

  /// The slots are the masks of the surest things in order; without things there is no token.
  func testMasksForRelations() throws {
    let network = try configuration("maskformer_ffnet22S_half").makeMaskFormer(seed: nil)
    var layer = prediction([3, 2, 0, 1, 4])
    var classes = layer.classes.scalars
    classes[3 * 20 + 13] = 12
    layer = .init(classes: Tensor([1, 5, 20], classes), masks: layer.masks)
    func masks(_ layer: MaskFormer.Layer, limit: Int) -> RelationMasks {
      network.relationMasks(of: .init(layers: [layer]), slots: 3, limit: limit)
    }
    let all = masks(layer, limit: 3), own = sigmoid(layer.masks)
    XCTAssertEqual(all.filled?.scalars, [1, 1, 0])
    XCTAssertEqual(bits(all.instances!.slice(axis: 1, 0..<1)), bits(own.slice(axis: 1, 3..<4)))
    XCTAssertEqual(bits(all.instances!.slice(axis: 1, 1..<2)), bits(own.slice(axis: 1, 1..<2)))
    XCTAssertEqual(masks(layer, limit: 1).filled?.scalars, [1, 0, 0])
    // S of the road is the road's mask: its query is sure.
    assertClose(all.semantic.slice(axis: 1, 0..<1), own.slice(axis: 1, 2..<3), tolerance: 0.02, "road")
    for (query, label) in [(1, 13), (3, 13)] { classes[query * 20 + label] = -9 }
    let none = masks(
      .init(classes: Tensor([1, 5, 20], classes.map { $0 == 0 ? -1 : $0 }), masks: layer.masks), limit: 3)
    XCTAssertEqual(none.filled?.scalars, [0, 0, 0])
    XCTAssertEqual(none.instances?.scalars.max(), 0)
  }

  /// Ground truth → the masks that queries are matched with → inference → panoptic quality against the ground truth.
  func testRoundTripOfCityscapes() throws {
    let data = try Cityscapes(root: Fixtures.researchData("cityscapes-panoptic"), split: "train")
    let categories = try XCTUnwrap(data.categories)
    var quality = PanopticQuality(categories: categories)
    for index in 0..<data.count {
      let sample = try data.sample(at: index), instances = try XCTUnwrap(sample.instances), size = sample.labels.shape
      let truth = PanopticTruth(
        labels: sample.labels.reshaped([1, size[0], size[1]]), instances: instances.reshaped([1, size[0], size[1]]),
        things: things, ignoreIndex: 255)
      let targets = MaskTargets(truth, size: [size[0], size[1]]), own = targets.classes[0]
      let classes = own.flatMap { label in (0..<20).map { $0 == label ? Float(9) : 0 } }
      let found = groupMasks(
        classes: Tensor([1, own.count, 20], classes),
        // A share of ½ is a probability of ½.
        masks: ((targets.masks - 0.5) * 20).reshaped(1, own.count, size[0], size[1]),
        in: PanopticFrame(whole: [size[0], size[1]]), rules: MaskGroupingRules(things: things))
      // Every pixel goes to some query: of void and of groups of things nothing is known, so nothing is claimed.
      let labels = zip(found.labels.values, targets.known.scalars).map { $1 > 0 ? $0 : 255 }
      quality.add(
        prediction: PanopticSegmentation(
          labels: Labels(found.labels.shape, labels), instances: found.instances, categories: categories),
        truth: PanopticSegmentation(labels: sample.labels, instances: instances, categories: categories))
    }
    let scores = PanopticScores(quality)
    print("round trip of masks: PQ \(scores.all.pq!), things \(scores.things.pq!), stuff \(scores.stuff.pq!)")
    XCTAssertGreaterThanOrEqual(try XCTUnwrap(scores.all.pq), 0.95)
    XCTAssertGreaterThanOrEqual(try XCTUnwrap(scores.things.pq), 0.95)
  }

  /// Smooth masks, features and classes, enlarged twofold: encodings stay.
  func testDoublingTheImageChangesEncodingsByLessThanFivePercent() throws {
    let network = try configuration("maskformer_ffnet22S_half").makeMaskFormer(seed: nil)
    let module = PanopticRelation(.init(channels: 12, classes: 19, instances: 4))
    var random = RandomSource(seed: 4)
    func map(_ channels: Int) -> Tensor {
      resize(.normal([1, channels, 4, 6], deviation: 2, using: &random), to: [16, 24], alignCorners: true)
    }
    let features = map(12), masks = map(5), classes = prediction([0, 1, 2, 3, 4]).classes
    func encodings(_ change: (Tensor) -> Tensor) -> Tensor {
      let layer = MaskFormer.Layer(classes: classes, masks: change(masks))
      return module.encodings(
        change(features), network.relationMasks(of: .init(layers: [layer]), slots: 4, limit: 4))
    }
    let small = encodings { $0 }, large = encodings { resize($0, to: [32, 48]) }
    let change = GradientCheck.Comparison(large.scalars, small.scalars.map(Double.init)).relative()
    print("doubled: encodings change by \(change) of the largest")
    XCTAssertLessThan(change, 0.05)
  }

  /// The gradient through classes, masks and features of what PISR makes of them, along itself.
  func testGradientsOfTheRelations() throws {
    let network = try configuration("maskformer_ffnet22S_half").makeMaskFormer(seed: nil)
    let module = PanopticRelation(.init(channels: 12, classes: 19, instances: 4))
    module.initialize(.kaimingFanOut, seed: 3)
    for (name, parameter) in module.state where name == "gamma" { parameter.value = Tensor([1], [10]) }
    var random = RandomSource(seed: 6)
    // Queries that are as probable as each other would change places at any step.
    let differences = Tensor.normal([1, 5, 20], deviation: 0.5, using: &random)
    let inputs = [
      prediction([2, 0, 4, 1, 3], confidence: 2).classes + differences, Tensor.normal([1, 5, 16, 24], using: &random),
      .normal([1, 12, 16, 24], using: &random),
    ]
    let cotangent = Tensor.normal([1, 12, 16, 24], using: &random)
    func value(_ x: [Tensor]) -> Tensor {
      let masks = network.relationMasks(
        of: .init(layers: [.init(classes: x[0], masks: x[1])]), slots: 4, limit: 4)
      return module(x[2], masks)
    }
    assertGradientsAreSlopes(at: inputs, cotangent: cotangent, length: 0.05, value)
  }

  /// γ = 0: the outputs of MaskFormer alone, bit for bit; another γ changes the masks and leaves the classes.
  func testUntrainedPISREqualsMaskFormerBitForBit() throws {
    let baseline = try configuration("maskformer_ffnet22S_half").makeNetwork(seed: 7)
    let network = try configuration("pisr_maskformer_ffnet22S_half").makeNetwork(seed: 8)
    _ = try network.start(from: Dictionary(uniqueKeysWithValues: baseline.state.map { ($0.name, $0.parameter.value) }))
    let expected = baseline.outputs(image()).map(bits)
    XCTAssertEqual(network.outputs(image()).map(bits), expected)
    let gamma = try XCTUnwrap(network.state.first { $0.name == "relation.gamma" })
    gamma.parameter.value = Tensor([1], [0.5])
    let changed = network.outputs(image()).map(bits)
    XCTAssertEqual(changed[1], expected[1])
    XCTAssertNotEqual(changed[2], expected[2])
    // Compiled, it gives the same.
    let x = image(), session = Program(Graph.capture(inputs: [x.shape]) { network.outputs($0[0]) }).makeSession()
    for (found, expected) in zip(session([x]), network.outputs(x)) { assertClose(found, expected, tolerance: 1e-3) }
  }

  /// A few steps on one batch bring the loss down, and every trainable parameter gets a gradient.
  func testLearns() throws {
    for name in ["maskformer_ffnet22S_half", "pisr_maskformer_ffnet22S_half"] {
      let network = try configuration(name).makeNetwork(seed: 1)
      network.setTraining(true)
      var random = RandomSource(seed: 5)
      let x = Tensor.normal([2, 3, 64, 64], using: &random), truth = truth(2)
      let optimizer = AdamW(learningRate: 0.001, weightDecay: 0)
      func step(_ network: some PanopticNetwork) -> (Float, Gradients) {
        let (loss, gradients) = valueAndGradient(of: network) { $0.loss(x, truth, Recipe.Panoptic()) }
        optimizer.update(network, with: gradients)
        return (loss.scalar, gradients)
      }
      let first = step(network).0
      var last = first, gradients: Gradients?
      for _ in 0..<15 { (last, gradients) = step(network) }
      XCTAssertLessThan(last, 0.6 * first, name)
      let found = try XCTUnwrap(gradients)
      for (name, parameter) in network.state where parameter.isTrainable { XCTAssertNotNil(found[parameter], name) }
    }
  }
}
