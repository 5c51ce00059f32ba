import Foundation
import SegKernels
import SegTestSupport
import XCTest

/// PISR's module: what the issue says of encodings, tokens and γ.
final class PanopticRelationTests: XCTestCase {
  private let channels = 12, classes = 5, size: Pair = [16, 24]

  private func module(
    instances: Int = 4, gamma: Float = 0.7, _ change: (inout PanopticRelationConfiguration) -> Void = { _ in }
  ) -> PanopticRelation {
    var configuration = PanopticRelationConfiguration(channels: channels, classes: classes, instances: instances)
    change(&configuration)
    let module = PanopticRelation(configuration)
    module.initialize(.kaimingFanOut, seed: 3)
    // Norms that have learned something, so that shifts of empty tokens would show.
    var random = RandomSource(seed: 9)
    for (name, parameter) in module.state where parameter.shape.rank == 1 {
      if name.hasSuffix("running_var") { continue }
      if name == "gamma" {
        parameter.value = Tensor([1], [gamma])
      } else if parameter.role != .counter {
        parameter.value = .uniform(parameter.shape, in: 0.2..<1, using: &random)
      }
    }
    return module
  }

  private func input(_ seed: UInt64 = 1, images: Int = 2) -> (features: Tensor, semantic: Tensor) {
    var random = RandomSource(seed: seed)
    let shape = { (c: Int) in Shape([images, c, self.size.height, self.size.width]) }
    return (.normal(shape(channels), using: &random), softmax(.normal(shape(classes), deviation: 2, using: &random)))
  }

  /// Boxes as things: their centres, and for every pixel the way to the centre of its box.
  private func boxes(_ boxes: [(rows: Range<Int>, columns: Range<Int>, score: Float)], scale: Int = 1) -> (
    centers: Tensor, offsets: Tensor, things: Tensor
  ) {
    let (height, width) = (size.height * scale, size.width * scale), area = height * width
    var centers = [Float](repeating: 0, count: area), offsets = [Float](repeating: 0, count: 2 * area), things = centers
    for box in boxes {
      let rows = (box.rows.lowerBound * scale)..<(box.rows.upperBound * scale)
      let columns = (box.columns.lowerBound * scale)..<(box.columns.upperBound * scale)
      let (y, x) = ((rows.lowerBound + rows.upperBound - 1) / 2, (columns.lowerBound + columns.upperBound - 1) / 2)
      centers[y * width + x] = box.score
      for row in rows {
        for column in columns {
          things[row * width + column] = 0.9
          offsets[row * width + column] = Float(y - row)
          offsets[area + row * width + column] = Float(x - column)
        }
      }
    }
    return (
      Tensor([1, 1, height, width], centers), Tensor([1, 2, height, width], offsets),
      Tensor([1, 1, height, width], things)
    )
  }

  private let three: [(rows: Range<Int>, columns: Range<Int>, score: Float)] = [
    (1..<7, 2..<9, 0.6), (8..<15, 3..<10, 0.9), (4..<12, 14..<22, 0.8),
  ]

  private func masks(
    _ semantic: Tensor, _ found: (centers: Tensor, offsets: Tensor, things: Tensor), slots: Int, limit: Int? = nil
  )
    -> RelationMasks
  {
    let (heatmaps, filled) = instanceHeatmaps(
      centers: found.centers, offsets: found.offsets, things: found.things,
      rules: HeatmapRules(slots: slots, limit: limit, sigma: 2))
    return RelationMasks(semantic: semantic, instances: heatmaps, filled: filled)
  }

  func testGammaOfZeroEqualsTheBaselineBitForBit() {
    let (features, semantic) = input(images: 1), module = module(gamma: 0)
    let enriched = module(features, masks(semantic, boxes(three), slots: 4))
    XCTAssertEqual(bits(enriched), bits(features))
    // And any other changes them.
    XCTAssertNotEqual(bits(self.module()(features, masks(semantic, boxes(three), slots: 4))), bits(features))
  }

  /// Classes in another order, and with them the inputs, outputs and norms of the convolution that mixes tokens.
  func testPermutationOfStuffTokensWithTheirWeightsLeavesTheOutputUnchanged() {
    let (features, semantic) = input(images: 1), things = boxes(three), order = [3, 0, 4, 1, 2]
    let module = module(), whole = order + (5..<9)
    let before = module(features, masks(semantic, things, slots: 4))
    func taken(_ x: Tensor, axis: Int, _ order: [Int]) -> Tensor {
      concatenate(order.map { x.slice(axis: axis, $0..<($0 + 1)) }, axis: axis)
    }
    for (name, parameter) in module.state where name.hasPrefix("g_p.") && parameter.role != .counter {
      var value = taken(parameter.value, axis: 0, whole)
      if value.rank == 4 { value = taken(value, axis: 1, whole) }
      parameter.value = value
    }
    let after = module(features, masks(taken(semantic, axis: 1, order), things, slots: 4))
    assertClose(after, before, tolerance: 2e-6, "permuted")
    // Without the weights it does change.
    assertDiffer(module(features, masks(semantic, things, slots: 4)), before)
  }

  private func assertDiffer(_ a: Tensor, _ b: Tensor, line: UInt = #line) {
    XCTAssertGreaterThan(GradientCheck.Comparison(a.scalars, b.scalars.map(Double.init)).relative(), 1e-3, line: line)
  }

  /// A stuff-only image has zero instance tokens, and the module does what it does with no slot filled.
  func testStuffOnlyImageGivesZeroInstanceTokens() {
    let (features, semantic) = input(images: 1), module = module()
    let none = masks(semantic, boxes([]), slots: 4)
    XCTAssertEqual(none.filled!.scalars, [0, 0, 0, 0])
    let encodings = module.encodings(features, none).scalars
    XCTAssertEqual(Set(encodings[(classes * channels)...]), [0])
    XCTAssertTrue(encodings[..<(classes * channels)].contains { $0 != 0 })
    XCTAssertTrue(module(features, none).scalars.allSatisfy(\.isFinite))
    // A thing that is there, but of no probability, is no token either.
    var hidden = boxes(three)
    hidden.things = .zeros(hidden.things.shape)
    XCTAssertEqual(
      Set(module.encodings(features, masks(semantic, hidden, slots: 4)).scalars[(classes * channels)...]), [0])
  }

  /// Doubling the image changes the encodings by less than 5 %.
  func testDoublingTheImageChangesEncodingsByLessThanFivePercent() {
    var random = RandomSource(seed: 4)
    // Smooth, as features are.
    func map(_ channels: Int) -> Tensor {
      resize(.normal([1, channels, 4, 6], using: &random), to: size, alignCorners: true)
    }
    let features = map(channels), logits = map(classes), module = module()
    let big: Pair = [32, 48]
    func doubled(_ x: Tensor) -> Tensor { resize(x, to: big) }
    let small = module.encodings(features, masks(softmax(logits), boxes(three), slots: 4))
    let large = module.encodings(doubled(features), masks(softmax(doubled(logits)), boxes(three, scale: 2), slots: 4))
    let change = GradientCheck.Comparison(large.scalars, small.scalars.map(Double.init)).relative()
    print("doubled: encodings change by \(change) of the largest")
    XCTAssertLessThan(change, 0.05)
    // Sums in place of means grow fourfold.
    let sums = self.module { $0.masses = .sum }
    let ratio =
      sums.encodings(doubled(features), masks(softmax(doubled(logits)), boxes(three, scale: 2), slots: 4)).scalars[0]
      / sums.encodings(features, masks(softmax(logits), boxes(three), slots: 4)).scalars[0]
    XCTAssertEqual(ratio, 4, accuracy: 0.4)
  }

  /// Things fill the first slots, the surest first.
  func testSlotsAreFilledByFallingConfidence() {
    let all = masks(input(images: 1).semantic, boxes(three), slots: 4), area = size.height * size.width
    XCTAssertEqual(all.filled!.scalars, [1, 1, 1, 0])
    // Each heatmap has its thing's score and probability at its centre.
    let peaks = (0..<4).map { slot in all.instances!.scalars[(slot * area)..<((slot + 1) * area)].max()! }
    XCTAssertEqual(peaks.map { ($0 * 100).rounded() }, [81, 72, 54, 0])
  }

  /// Three things in four slots are what a module of three slots, with the same weights, makes of them.
  func testFewerThanKInstancesAreAsIfTheirSlotsWereNotThere() {
    assertEqualsModuleOfItsOwnSlots(limit: nil, things: 3)
  }

  /// So are two of them where a smaller K asks for two. A larger K is refused: see MisuseTests.
  func testAnotherKAtInferenceIsAModuleOfSoManySlots() {
    assertEqualsModuleOfItsOwnSlots(limit: 2, things: 2)
    let (features, semantic) = input(images: 1), module = module()
    assertDiffer(
      module(features, masks(semantic, boxes(three), slots: 4, limit: 2)),
      module(features, masks(semantic, boxes(three), slots: 4)))
  }

  private func assertEqualsModuleOfItsOwnSlots(limit: Int?, things: Int, line: UInt = #line) {
    // The scale 1 / √(N + K) is the one thing that does know of empty slots.
    let change: (inout PanopticRelationConfiguration) -> Void = { $0.isScaled = false }
    let whole = module(instances: 4, change), small = module(instances: things, change), tokens = classes + things
    for ((name, parameter), (_, source)) in zip(small.state, whole.state) {
      parameter.value = source.value
      guard name.hasPrefix("g_p."), parameter.role != .counter else { continue }
      parameter.value = source.value.slice(axis: 0, 0..<tokens)
      if source.value.rank == 4 { parameter.value = parameter.value.slice(axis: 1, 0..<tokens) }
    }
    let (features, semantic) = input(images: 1), all = masks(semantic, boxes(three), slots: 4, limit: limit)
    XCTAssertEqual(all.filled!.scalars, (0..<4).map { $0 < things ? 1 : 0 }, line: line)
    let own = RelationMasks(
      semantic: semantic, instances: all.instances!.slice(axis: 1, 0..<things), filled: .ones([1, things]))
    assertClose(whole(features, all), small(features, own), tolerance: 1e-5, "\(things) things", line: line)
  }

  /// Every named choice runs, and changes the result.
  func testEveryChoiceIsOne() {
    let (features, semantic) = input(images: 1), all = masks(semantic, boxes(three), slots: 4)
    let plain = module()(features, all)
    let choices: [(inout PanopticRelationConfiguration) -> Void] = [
      { $0.masses = .softmax }, { $0.masses = .sum }, { $0.weighing = .none }, { $0.weighing = .instances },
      { $0.gate = .identity }, { $0.isScaled = false }, { $0.hasTokenSoftmax = true }, { $0.joining = .concatenation },
      { $0.hiddenDivisors = [3] },
    ]
    for change in choices {
      let found = module(change)(features, all)
      XCTAssertEqual(found.shape, plain.shape)
      XCTAssertTrue(found.scalars.allSatisfy(\.isFinite))
      assertDiffer(found, plain)
    }
    let semanticOnly = module(instances: 0)(features, RelationMasks(semantic: semantic))
    assertDiffer(semanticOnly, plain)
  }

  private func module(_ change: (inout PanopticRelationConfiguration) -> Void) -> PanopticRelation {
    module(instances: 4, gamma: 0.7, change)
  }

  /// The gradient with respect to features, classes, centres, offsets and parameters against central differences of the
  /// module itself, along random directions.
  func testGradients() {
    let module = module(), found = boxes(three)
    var random = RandomSource(seed: 6)
    let (features, semantic) = input(images: 1)
    let inputs = [features, semantic, found.centers, found.offsets, found.things]
    func value(_ x: [Tensor]) -> Tensor {
      let (heatmaps, filled) = instanceHeatmaps(
        centers: x[2], offsets: x[3], things: x[4], rules: HeatmapRules(slots: 4, sigma: 2))
      return module(x[0], RelationMasks(semantic: x[1], instances: heatmaps, filled: filled))
    }
    let cotangent = Tensor.normal(features.shape, using: &random)
    let gradients = valueAndGradient(at: inputs, cotangent: cotangent, value).gradients
    for (index, input) in inputs.enumerated() {
      // Centres move where there are some.
      var direction = Tensor.normal(input.shape, using: &random)
      if index == 2 { direction = Tensor(input.shape, zip(input.scalars, direction.scalars).map { $0 > 0 ? $1 : 0 }) }
      func along(_ step: Float) -> Double {
        var moved = inputs
        moved[index] = input + direction * step
        return zip(value(moved).scalars, cotangent.scalars).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      }
      let step: Float = 2e-3
      let expected = (along(step) - along(-step)) / Double(2 * step)
      let slope = zip(gradients[index].scalars, direction.scalars).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      XCTAssertEqual(slope, expected, accuracy: max(abs(expected) * 0.02, 0.05), "input \(index)")
      // Encodings are means over the masks: a score, which scales a whole mask, changes nothing but for the 1e-6 beside
      // the mass. Offsets act through the Gaussian alone.
      if index == 2 {
        XCTAssertLessThan(abs(slope), 1e-5, "a score")
      } else {
        XCTAssertGreaterThan(abs(slope), index == 3 ? 1e-4 : 1e-3, "input \(index)")
      }
    }
    let (_, parameters) = valueAndGradient(of: module) { _ in (value(inputs) * cotangent).sum() }
    for (name, parameter) in module.state where parameter.isTrainable { XCTAssertNotNil(parameters[parameter], name) }
  }

  /// Captured and compiled, the module gives what it gives at once.
  func testCompiled() {
    let (features, semantic) = input(images: 1), found = boxes(three), module = module()
    func value(_ x: [Tensor]) -> [Tensor] {
      let (heatmaps, filled) = instanceHeatmaps(
        centers: x[2], offsets: x[3], things: x[4], rules: HeatmapRules(slots: 4, sigma: 2))
      return [module(x[0], RelationMasks(semantic: x[1], instances: heatmaps, filled: filled))]
    }
    let inputs = [features, semantic, found.centers, found.offsets, found.things]
    let session = Program(Graph.capture(inputs: inputs.map(\.shape), parameters: module, value)).makeSession()
    assertClose(session(inputs)[0], value(inputs)[0], tolerance: 2e-5, "compiled")
  }
}
