import SegKernels
import SegOperationTable
import SegTestSupport
import XCTest

/// Compiled graphs against the plain operations and their definitions.
final class ProgramTests: XCTestCase {
  // MARK: Convolution

  private struct Case {
    var batch = 1, channels: Int, outputs: Int, height: Int, width: Int
    var kernel: Pair = 3, stride: Pair = 1, padding: Pair = 1, dilation: Pair = 1, groups = 1
  }

  /// One pixel and one channel; primes; a tile, a block and a panel more or less one.
  private let cases: [Case] = {
    var cases: [Case] = []
    for (height, width) in [(1, 1), (1, 7), (2, 3), (3, 4), (4, 5), (5, 8), (7, 9), (13, 17)] {
      for (channels, outputs) in [(1, 1), (3, 8), (7, 17), (8, 16), (9, 15), (17, 33)] {
        cases.append(Case(channels: channels, outputs: outputs, height: height, width: width))
      }
    }
    for stride in [1, 2, 3] {
      for dilation in [1, 2] {
        for kernel in [Pair(1), Pair(3), Pair(5), Pair(7), [1, 3], [2, 4]] {
          cases.append(
            Case(
              batch: 2, channels: 11, outputs: 19, height: 16, width: 23, kernel: kernel, stride: Pair(stride),
              padding: [kernel.height / 2 * dilation, kernel.width / 2], dilation: Pair(dilation)))
        }
      }
    }
    cases += [
      Case(channels: 3, outputs: 64, height: 31, width: 37, kernel: 7, stride: 2, padding: 3),
      Case(channels: 64, outputs: 64, height: 19, width: 29, padding: 0),
      Case(batch: 3, channels: 40, outputs: 24, height: 9, width: 11, padding: 2),
      Case(channels: 96, outputs: 130, height: 6, width: 13),
      Case(channels: 16, outputs: 24, height: 23, width: 14, padding: 3, dilation: 3),
      Case(batch: 2, channels: 9, outputs: 8, height: 5, width: 9, padding: 4, dilation: 4),
      Case(channels: 12, outputs: 12, height: 11, width: 13, groups: 12),
      Case(batch: 2, channels: 17, outputs: 17, height: 9, width: 10, kernel: 5, stride: 2, padding: 2, groups: 17),
    ]
    return cases
  }()

  /// With bias, residual and ReLU, by every algorithm, against the definition in doubles and the way by columns.
  func testConvolutionsAgreeWithTheDefinition() {
    for (index, c) in cases.enumerated() {
      let x = ReferenceRule.tensor("x", [c.batch, c.channels, c.height, c.width])
      let weight = ReferenceRule.tensor("w", [c.outputs, c.channels / c.groups, c.kernel.height, c.kernel.width])
      let bias = ReferenceRule.tensor("b", [c.outputs])
      func convolve(_ x: Tensor, bias: Tensor?) -> Tensor {
        conv2d(
          x, weight: weight, bias: bias, stride: c.stride, padding: c.padding, dilation: c.dilation, groups: c.groups)
      }
      let addend = ReferenceRule.tensor("a", convolve(x, bias: nil).shape)
      var expected = Reference.conv2d(
        ReferenceArray(x), weight: ReferenceArray(weight), bias: ReferenceArray(bias), stride: c.stride,
        padding: c.padding, dilation: c.dilation, groups: c.groups
      ).values
      let scale = expected.reduce(1) { max($0, abs($1)) }
      expected = zip(expected, addend.scalars).map { max(0, $0 + Double($1)) }
      let columns = relu(convolve(x, bias: bias) + addend)
      let graph = Graph.capture(inputs: [x.shape, addend.shape]) { [relu(convolve($0[0], bias: bias) + $0[1])] }
      forEachLevel { level in
        for algorithm in [ConvolutionAlgorithm.direct, .winograd2, .winograd4] {
          let title = "case \(index) \(c), \(algorithm) at \(level)"
          let session = Program(graph, forcing: algorithm).makeSession()
          let found = Threads.with(1) { session([x, addend])[0] }
          let error = zip(found.scalars, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / scale
          XCTAssertLessThanOrEqual(error, algorithm == .winograd4 ? 1e-5 : 2e-6, title)
          assertClose(found, columns, tolerance: 2e-5, floor: scale, title)
          XCTAssertEqual(bits(Threads.with(3) { session([x, addend])[0] }), bits(found), title)
        }
      }
    }
  }

  /// The error of each algorithm on layers of normal numbers: root mean square, over the deviation of the output. The
  /// bounds are some 1.5 times what Documentation/Inference.md states.
  func testErrorsOfTheAlgorithms() {
    var random = RandomSource(seed: 11)
    for (channels, bounds) in [(64, [4.5e-7, 3.5e-7, 1.4e-6]), (320, [1e-6, 7e-7, 2.7e-6])] {
      let x = Tensor.normal([1, channels, 24, 24], using: &random)
      let weight = Tensor.normal([16, channels, 3, 3], using: &random)
      let expected = Reference.conv2d(ReferenceArray(x), weight: ReferenceArray(weight), padding: 1).values
      let deviation = (expected.reduce(0) { $0 + $1 * $1 } / Double(expected.count)).squareRoot()
      let graph = Graph.capture(inputs: [x.shape]) { [conv2d($0[0], weight: weight, padding: 1)] }
      forEachLevel { level in
        for (algorithm, bound) in zip([ConvolutionAlgorithm.direct, .winograd2, .winograd4], bounds) {
          let found = Program(graph, forcing: algorithm).makeSession()([x])[0].scalars
          let squares = zip(found, expected).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
          let error = (squares / Double(expected.count)).squareRoot() / deviation
          print("\(algorithm), \(channels) channels, at \(level): \(error)")
          XCTAssertLessThanOrEqual(error, bound, "\(algorithm), \(channels) channels, at \(level)")
        }
      }
    }
  }

  /// Weights that are transformed at each run, and those that are before: the same error against the definition.
  func testWeightsTransformedAtEachRun() {
    for (channels, outputs) in [(8, 8), (17, 33), (40, 24)] {
      let weight = ReferenceRule.tensor("w", [outputs, channels, 3, 3]), bias = ReferenceRule.tensor("b", [outputs])
      for (height, width, isTransformed) in [(41, 46, true), (40, 44, false)] {
        let x = ReferenceRule.tensor("x", [1, channels, height, width])
        let expected = Reference.conv2d(
          ReferenceArray(x), weight: ReferenceArray(weight), bias: ReferenceArray(bias), padding: 1
        ).values
        let scale = expected.reduce(1) { max($0, abs($1)) }
        let graph = Graph.capture(inputs: [x.shape]) { [conv2d($0[0], weight: weight, bias: bias, padding: 1)] }
        forEachLevel { level in
          let title = "\(channels)→\(outputs) at \(height)×\(width), \(level)"
          let program = Program(graph, forcing: .winograd4), session = program.makeSession()
          XCTAssertEqual(program.summary.contains("weights \(channels)→\(outputs)"), isTransformed, title)
          let found = Threads.with(1) { session([x])[0] }
          let error = zip(found.scalars, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / scale
          XCTAssertLessThanOrEqual(error, 1e-5, title)
          XCTAssertEqual(bits(Threads.with(3) { session([x])[0] }), bits(found), title)
        }
      }
    }
  }

  // MARK: Other operations

  /// Every row of the operation table, compiled: with all its inputs given at each run, and with all but the first known
  /// beforehand, as weights are.
  func testEveryRowOfTheTableCompiles() {
    for row in OperationTable.cases where !OperationTable.notCapturable.contains(row.operation) {
      let inputs = row.makeInputs()
      let expected = row.reference(inputs.map(ReferenceArray.init))
      let open = Graph.capture(inputs: inputs.map(\.shape)) { [row.run($0)] }
      let fixed = Graph.capture(inputs: Array(inputs.prefix(1)).map(\.shape)) { [row.run($0 + inputs.dropFirst())] }
      forEachLevel { level in
        for (graph, arguments) in [(open, inputs), (fixed, Array(inputs.prefix(1)))] {
          let found = Program(graph).makeSession()(arguments)[0]
          XCTAssertEqual(found.shape, expected.shape, row.title)
          let error = GradientCheck.Comparison(found.scalars, expected.values).relative(floor: 1e-6)
          XCTAssertLessThanOrEqual(error, max(row.tolerance, 5e-6), "\(row.title) at \(level)")
        }
      }
    }
  }

  func testPoolsAndResizes() {
    for (height, width) in [(1, 1), (2, 3), (7, 8), (13, 17)] {
      let shape: Shape = [2, 11, height, width]
      assertCompiled("max pool", [shape]) { [maxPool2d($0[0], kernel: 3, stride: 2, padding: 1, ceilMode: true)] }
      for counts in [true, false] {
        assertCompiled("average pool", [shape]) {
          [averagePool2d($0[0], kernel: 3, stride: 2, padding: 1, countIncludesPadding: counts)]
        }
      }
      for size: Pair in [1, [3, 5], [16, 34], [29, 9]] {
        assertCompiled("nearest", [shape], tolerance: 0) { [resize($0[0], to: size, .nearest)] }
        for aligned in [true, false] {
          assertCompiled("bilinear", [shape]) { [resize($0[0], to: size, .bilinear, alignCorners: aligned)] }
        }
      }
    }
  }

  /// A sum and a ReLU go into the resize before them; sums of inputs stand alone, and stay in rows.
  func testSums() {
    assertCompiled("resize and sum", [[1, 9, 4, 5], [1, 9, 8, 10]]) { [relu(resize($0[0], to: [8, 10]) + $0[1])] }
    assertCompiled("sum", [[1, 9, 4, 5], [1, 9, 4, 5]], tolerance: 0, plain: ["elementwise"]) { [relu($0[0] + $0[1])] }
    assertCompiled("twice itself", [[1, 9, 4, 5]], tolerance: 0, plain: ["elementwise"]) { [$0[0] + $0[0]] }
    assertCompiled("broadcast", [[1, 9, 4, 5], [9, 1, 1]], tolerance: 0, plain: ["add"]) { [$0[0] + $0[1]] }
  }

  /// Parts made in place, parts that belong to two concatenations, parts that are inputs, and widths that are no blocks.
  func testConcatenations() {
    let w = ReferenceRule.tensor("w", [16, 5, 1, 1])
    for others in [16, 3] {
      assertCompiled("concatenation", [[2, 5, 6, 7], [2, others, 6, 7]]) {
        let y = conv2d($0[0], weight: w)
        let once = concatenate([y, $0[1]], axis: 1)
        return [once, concatenate([resize(y, to: [6, 7]), y, once], axis: 1), relu(y)]
      }
    }
    let graph = Graph.capture(inputs: [[1, 5, 6, 7]]) {
      let y = conv2d($0[0], weight: w)
      return [concatenate([y, resize(y, to: [6, 7], .nearest)], axis: 1)]
    }
    XCTAssertEqual(Program(graph).summary, ["direct 1×1 5→16", "resize", "unblock"], "both parts are made in place")
    // Parts that share blocks, the first and the last of them made by a convolution.
    let single = ReferenceRule.tensor("single", [1, 5, 1, 1]), after = ReferenceRule.tensor("after", [9, 35, 3, 3])
    assertCompiled("odd widths", [[2, 5, 6, 7], [2, 13, 6, 7]], plain: ["elementwise"]) {
      let parts = [conv2d($0[0], weight: single), $0[1], relu($0[0]), conv2d($0[0], weight: w)]
      let whole = concatenate(parts, axis: 1)
      return [whole, conv2d(whole, weight: after, padding: 1)]
    }
    assertCompiled("odd widths, in place", [[1, 5, 6, 7]], plain: ["elementwise"]) {
      [concatenate([relu($0[0]), conv2d($0[0], weight: w)], axis: 1)]
    }
  }

  /// Other shapes of rows and whole blocks of channels are the same memory: sums made over their addends leave it alone.
  func testViews() {
    let w = ReferenceRule.tensor("w", [32, 5, 1, 1]), v = ReferenceRule.tensor("v", [16, 16, 3, 3])
    assertCompiled("whole blocks of channels", [[2, 5, 6, 7]]) {
      let y = conv2d($0[0], weight: w), first = y.slice(axis: 1, 0..<16), last = y.slice(axis: 1, 16..<32)
      let a = relu(conv2d(first, weight: v, padding: 1) + last), b = relu(conv2d(last, weight: v, padding: 1) + first)
      return [conv2d(a, weight: v, padding: 1) + b, relu(y), conv2d(b, weight: v, padding: 1) + last]
    }
    assertCompiled("parts of blocks", [[2, 5, 6, 7]], plain: ["slice", "elementwise"]) {
      [relu(conv2d($0[0], weight: w).slice(axis: 1, 3..<9))]
    }
    assertCompiled("rows", [[2, 5, 6, 7]], plain: ["elementwise"]) {
      let rows = conv2d($0[0], weight: w).reshaped(2, 32, 42)
      return [relu(rows.reshaped(2, 32, 7, 6)), rows]
    }
  }

  /// Weights that are an input or a result are packed at each run, with the norm and the factor behind.
  func testWeightsThatAreAResult() {
    let scale = ReferenceRule.tensor("s", [37]), variance = Tensor([37], (0..<37).map { 0.5 + Float($0) })
    for (isResult, plain) in [(false, [String]()), (true, ["elementwise"])] {
      assertCompiled("learned weights", [[2, 19, 5, 7], [37, 19, 3, 3], [2, 37, 5, 7]], plain: plain) {
        let y = conv2d($0[0], weight: isResult ? $0[1].square() : $0[1], padding: 1)
        let normalized = batchNorm(y, weight: scale, bias: scale, mean: scale, variance: variance)
        return [relu($0[2] + normalized * Tensor(0.5))]
      }
    }
  }

  /// Norms and sums are fused only where nobody else needs what lies between.
  func testFusionRespectsOtherUsers() {
    let w = ReferenceRule.tensor("w", [9, 9, 3, 3]), scale = ReferenceRule.tensor("s", [9])
    let variance = Tensor([9], (0..<9).map { 0.5 + Float($0) })
    let wide = ReferenceRule.tensor("wide", [16, 9, 1, 1]), narrow = ReferenceRule.tensor("narrow", [9, 25, 1, 1])
    func norm(_ x: Tensor) -> Tensor { batchNorm(x, weight: scale, bias: scale, mean: scale, variance: variance) }
    func conv(_ x: Tensor) -> Tensor { conv2d(x, weight: w, padding: 1) }
    assertCompiled("block", [[1, 9, 8, 9]]) {
      let y = relu(norm(conv($0[0])))
      return [relu(norm(conv(y)) + norm(conv($0[0]))), y]
    }
    assertCompiled("shared convolution", [[1, 9, 8, 9]], plain: ["batchNorm"]) {
      let y = conv($0[0])
      return [norm(y), y]
    }
    assertCompiled("sums in place", [[1, 9, 8, 9]]) {
      let y = conv($0[0])
      let z = relu(conv(y) + y)
      let both = concatenate([conv2d(z, weight: wide), z], axis: 1)
      return [conv(conv(z)) + z, relu(both) + both, resize(conv2d(both, weight: narrow), to: [8, 9]) + z]
    }
    assertCompiled("shared sum", [[1, 9, 8, 9]]) {
      let y = conv($0[0])
      return [y + $0[0], relu(y)]
    }
  }

  /// Operations without a blocked form stand between those that have one; an input and a constant may be outputs.
  func testPlainOperationsInBetween() {
    let w = ReferenceRule.tensor("w", [9, 9, 3, 3])
    assertCompiled("softmax", [[1, 9, 8, 9]], plain: ["softmax"]) {
      let y = conv2d($0[0], weight: w, padding: 1)
      return [conv2d(softmax(y) * y, weight: w, padding: 1), $0[0], w, y]
    }
    assertCompiled("not images", [[3, 4]], plain: ["exp"]) { [$0[0].exp()] }
  }

  // MARK: Memory and sessions

  /// Programs for several sizes pack a weight once, and make the same bits as those that share nothing; a parameter that
  /// was written is packed anew.
  func testProgramsShareWeights() {
    let layer = Conv2d(inputChannels: 16, outputChannels: 24, kernel: 3, bias: true)
    layer.weight.value = ReferenceRule.tensor("w", layer.weight.shape)
    let weights = PackedWeights()
    func assertShared(_ shape: Shape, _ title: String) {
      let x = ReferenceRule.tensor("x", shape)
      let shared = layer.compiled(for: shape, sharing: weights).makeSession()([x])[0]
      XCTAssertEqual(bits(shared), bits(layer.compiled(for: shape).makeSession()([x])[0]), title)
    }
    assertShared([1, 16, 48, 48], "first size")
    let once = weights.bytes
    XCTAssertGreaterThanOrEqual(once, 24 * 16 * 9 * 4)
    assertShared([2, 16, 64, 80], "second size")
    XCTAssertEqual(weights.bytes, once, "large maps keep their weights in one order")
    assertShared([1, 16, 12, 20], "a small map")
    XCTAssertGreaterThan(weights.bytes, once, "small maps keep theirs in another")
    layer.weight.value.withUnsafeMutableBufferPointer { $0[0] += 1 }
    assertShared([1, 16, 48, 48], "after a change")
  }

  /// No two buffers that are needed at once share memory, and none is beyond the end.
  func testArenaPlans() {
    var random = RandomSource(seed: 4)
    for _ in 0..<200 {
      let buffers = (0..<Int.random(in: 0..<30, using: &random)).map { _ in
        let first = Int.random(in: 0..<20, using: &random)
        return ArenaPlan.Buffer(
          count: Int.random(in: 0..<1000, using: &random), life: first...(first + Int.random(in: 0..<8, using: &random))
        )
      }
      let plan = ArenaPlan(buffers)
      for (i, a) in buffers.enumerated() {
        XCTAssertLessThanOrEqual(plan.offsets[i] + a.count, plan.count)
        for (j, b) in buffers.enumerated() where i < j && a.life.overlaps(b.life) && a.count > 0 && b.count > 0 {
          let (x, y) = (plan.offsets[i], plan.offsets[j])
          XCTAssertTrue(x + a.count <= y || y + b.count <= x, "\(buffers)")
        }
      }
    }
    let chain = (0..<10).map { ArenaPlan.Buffer(count: 64, life: $0...($0 + 1)) }
    XCTAssertEqual(ArenaPlan(chain).count, 128, "a chain needs two buffers")
  }

  /// Several sessions of one program at once, and one session again and again, make the same bits.
  func testSessionsShareAProgram() async {
    let w = ReferenceRule.tensor("w", [16, 16, 3, 3])
    let program = Program(
      Graph.capture(inputs: [[1, 16, 20, 30]]) {
        var y = $0[0]
        for _ in 0..<4 { y = relu(conv2d(y, weight: w, padding: 1)) + y }
        return [y]
      })
    let x = ReferenceRule.tensor("x", [1, 16, 20, 30])
    let expected = bits(program.makeSession()([x])[0])
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask {
          let session = program.makeSession()
          var y = Tensor.zeros(program.outputShapes[0])
          return (0..<10).allSatisfy { _ in
            session.run(x, into: &y)
            return bits(y) == expected
          }
        }
      }
      for await isEqual in group { XCTAssertTrue(isEqual) }
    }
  }
}
