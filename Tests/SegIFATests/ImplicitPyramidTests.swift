import SegFormats
import SegKernels
import SegTestSupport
import XCTest

/// The implicit decoder against the authors' definition, and against its own plain form.
final class ImplicitPyramidTests: XCTestCase {
  private func levels(_ channels: [Int], _ height: Int, _ width: Int, name: String = "level") -> [Tensor] {
    channels.enumerated().map { index, channels in
      let step = 1 << index
      return ReferenceRule.tensor(
        "\(name)\(index + 1)", [1, channels, (height + step - 1) / step, (width + step - 1) / step])
    }
  }

  private func released() -> ImplicitPyramid {
    let decoder = ImplicitPyramid(inputChannels: [256, 512, 1024, 2048], classes: 19)
    // The frequencies are the definition's, not drawn from their name.
    let own = decoder.state.filter { $0.name.hasSuffix("emb") }.map { ($0.parameter, $0.parameter.value) }
    ReferenceRule.fill(decoder)
    for (parameter, value) in own { parameter.value = value }
    return decoder
  }

  /// Keys and shapes of the released checkpoint, in its order.
  func testKeysAreTheReleasedOnes() throws {
    let text = try String(contentsOf: Fixtures.url("reference/ifa_decoder_state.json"), encoding: .utf8)
    let published = try Fixtures.json("reference/ifa_decoder_state.json", as: [String: [Int]].self)
    let own = released().state
    XCTAssertEqual(Dictionary(uniqueKeysWithValues: own.map { ($0.name, Array($0.parameter.shape)) }), published)
    let places = own.map { text.range(of: "\"\($0.name)\"")!.lowerBound }
    XCTAssertEqual(places, places.sorted(), "the order of the keys")
  }

  /// The released decoder and its implicit function, at the published grids.
  func testOutputsAreTheReference() throws {
    let expected = try Fixtures.archive("reference/ifa_outputs.safetensors").tensors, decoder = released()
    let maps = levels([256, 512, 1024, 2048], 24, 32)
    assertClose(decoder(maps), try XCTUnwrap(expected["decoder_24x32"]), tolerance: 1e-4, "decoder")
    let aligned = levels([256, 256, 256, 256], 24, 32, name: "aligned"), grid = QueryPositions.grid([50, 70])
    let reference = try XCTUnwrap(expected["query_24x32_at_50x70"])
    assertClose(decoder.function(aligned, at: grid), reference, tolerance: 1e-4, "in blocks")
    assertClose(decoder.function.plain(aligned, at: grid), reference, tolerance: 1e-4, "plain")
  }

  private func small(_ change: (inout ImplicitFunctionConfiguration) -> Void = { _ in }) -> ImplicitFunction {
    var configuration = ImplicitFunctionConfiguration(levelChannels: [5, 9, 12], classes: 4)
    configuration.hidden = [24, 17]
    change(&configuration)
    let function = ImplicitFunction(configuration)
    function.initialize(.kaimingFanOut, seed: 3)
    return function
  }

  /// Every kind of encoding, unfolding and the ensemble: the factorised first layer is the plain one, on grids whose
  /// ratio is whole and others, and at points.
  func testTheFactorisedFormIsThePlainOne() {
    let maps = levels([5, 9, 12], 12, 20)
    var random = RandomSource(seed: 5)
    let points = Tensor.uniform([1, 37, 2], in: -1..<1, using: &random)
    for kind in EncodingKind.allCases {
      for (unfolds, isEnsemble) in [(false, false), (true, false), (false, true)] {
        let function = small {
          $0.encoding = kind
          $0.unfolds = unfolds
          $0.isEnsemble = isEnsemble
        }
        for positions: QueryPositions in [
          .grid([12, 20]), .grid([24, 40]), .grid([31, 17]), .grid([140, 170]), .points(points),
        ] {
          assertClose(
            function(maps, at: positions), function.plain(maps, at: positions), tolerance: 2e-5,
            "\(kind), unfolds \(unfolds), ensemble \(isEnsemble), \(positions)")
        }
      }
    }
  }

  /// Gradients of the factorised form are those of the plain one, in training (norms by the batch) and in evaluation.
  func testGradientsAreThoseOfThePlainForm() {
    let maps = levels([5, 9, 12], 8, 12)
    for isTraining in [true, false] {
      let function = small()
      function.setTraining(isTraining)
      func gradients(_ answer: (ImplicitFunction) -> Tensor) -> [Tensor?] {
        let (_, gradients) = valueAndGradient(of: function) { answer($0).square().mean() }
        return function.parameters.map { gradients[$0] }
      }
      let own = gradients { $0(maps, at: .grid([16, 24])) }, plain = gradients { $0.plain(maps, at: .grid([16, 24])) }
      for (name, (own, plain)) in zip(function.state.map(\.name), zip(own, plain)) {
        guard let plain else { continue }
        XCTAssertNotNil(own, name)
        if isTraining, name == "imnet.0.bias" || name == "imnet.3.bias" {
          // The norm behind them takes their mean away again.
          XCTAssertLessThan((own?.scalars ?? []).map(abs).max() ?? 1, 1e-6, name)
          continue
        }
        if let own { assertClose(own, plain, tolerance: 1e-4, floor: 1e-4, name) }
      }
    }
  }

  /// The level-1 offset is 0 everywhere on the level's own grid: the two columns of the offset itself have no gradient
  /// there.
  func testOnItsOwnGridTheFirstOffsetNeverLearns() {
    let maps = levels([5, 9, 12], 8, 12), function = small()
    function.setTraining(true)
    let weight = function.state.first { $0.name == "imnet.0.weight" }!.parameter
    func columns(_ positions: QueryPositions) -> Float {
      let (_, gradients) = valueAndGradient(of: function) { $0(maps, at: positions).square().mean() }
      return gradients[weight]!.slice(axis: 1, 0..<2).scalars.map(abs).max()!
    }
    XCTAssertEqual(columns(.grid([8, 12])), 0)
    XCTAssertGreaterThan(columns(.grid([16, 24])), 0)
  }

  /// A 3× grid at the 1× positions, and points there, give the 1× values.
  func testAFinerGridAtTheCoarsePositionsGivesTheCoarseValues() {
    let maps = levels([5, 9, 12], 12, 20), function = small()
    let coarse = function(maps, at: .grid([12, 20])), fine = function(maps, at: .grid([36, 60]))
    let picked = fine.slice(axis: 2, 1..<36, step: 3).slice(axis: 3, 1..<60, step: 3)
    // Positions in single precision, times 20 cells and the frequency 64: 8e-5 of an angle.
    assertClose(picked, coarse, tolerance: 1e-4)
    var points: [Float] = []
    for y in 0..<12 { for x in 0..<20 { points += [Float(2 * y + 1) / 12 - 1, Float(2 * x + 1) / 20 - 1] } }
    let asked = function(maps, at: .points(Tensor([1, 240, 2], points)))
    assertClose(asked.reshaped(coarse.shape), coarse, tolerance: 1e-4)
  }

  /// The ensemble has no edge where the nearest cell of the finest level changes; the plain function has.
  func testTheEnsembleIsContinuousAcrossCells() {
    let map = [ReferenceRule.tensor("only", [1, 5, 6, 6])]
    func jump(_ isEnsemble: Bool) -> Float {
      var configuration = ImplicitFunctionConfiguration(levelChannels: [5], classes: 3)
      configuration.hidden = [16]
      configuration.encoding = .offset
      configuration.isEnsemble = isEnsemble
      let function = ImplicitFunction(configuration)
      function.initialize(.kaimingFanOut, seed: 2)
      // Just left and right of the middle of the axis, where cells 2 and 3 meet.
      let y = function(map, at: .points(Tensor([1, 2, 2], [0.1, -1e-4, 0.1, 1e-4]))).scalars
      return (0..<3).map { abs(y[2 * $0] - y[2 * $0 + 1]) }.max()!
    }
    XCTAssertLessThan(jump(true), 0.01)
    XCTAssertGreaterThan(jump(false), 0.05)
  }

  /// The same bits for any number of threads.
  func testBitsDoNotDependOnThreads() {
    let maps = levels([5, 9, 12], 12, 20), function = small()
    let results = [1, 2, 3].map { threads in Threads.with(threads) { function(maps, at: .grid([140, 170])) } }
    XCTAssertEqual(bits(results[0]), bits(results[1]))
    XCTAssertEqual(bits(results[0]), bits(results[2]))
  }
}
