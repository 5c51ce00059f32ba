import Foundation
import SegAuxAdapt
import SegData
import SegFFNet
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// The properties of AuxAdapt, on small networks and frames.
final class AuxAdapterTests: XCTestCase {
  private func network(_ seed: UInt64) -> FFNet {
    let network = FFNet(FFNetConfiguration(name: "ffnet22S_half_BCC", classes: 5)!, seed: nil)
    network.initialize(.kaimingFanOut, seed: seed)
    return network
  }

  private func frames(_ count: Int, height: Int = 128, width: Int = 192) -> [Image] {
    var random = RandomSource(seed: 8)
    let wide = width + count
    let pixels: [UInt8] = (0..<(3 * height * wide)).map { _ in UInt8.random(in: 0...255, using: &random) }
    return (0..<count).map { (shift: Int) -> Image in
      var window: [UInt8] = []
      for row in 0..<height {
        let start = 3 * (row * wide + shift)
        window += pixels[start..<(start + 3 * width)]
      }
      return Image(width: width, height: height, pixels: window)
    }
  }

  private func state(_ network: any Module) -> [[UInt32]] { network.parameters.map { bits($0.value) } }

  private func configured(_ change: (inout AuxAdaptConfiguration) -> Void) -> AuxAdaptConfiguration {
    var configuration = AuxAdaptConfiguration()
    configuration.reset = .never
    change(&configuration)
    return configuration
  }

  /// MainNet's bits stay, AuxNet's change; so do the frame's labels the sum's.
  func testMainNetStays() {
    for (loss, norms) in [(AuxAdaptConfiguration.Loss.own, AuxAdaptConfiguration.BatchNorms.frozen), (.sum, .training)]
    {
      let main = network(1), auxiliary = network(2), before = state(main), start = state(auxiliary)
      let adapter = AuxAdapter(
        main: main, auxiliary: auxiliary,
        configured {
          ($0.loss, $0.batchNorms) = (loss, norms)
          $0.learningRate = 1e-2
        })
      for image in frames(3) {
        let frame = adapter(image)
        XCTAssertEqual(frame.labels.shape, [128, 192])
        XCTAssertEqual(
          frame.labels, argmax(frame.logits, resizedTo: [128, 192]).reshaped([128, 192]), "\(loss)")
      }
      XCTAssertEqual(state(main), before)
      XCTAssertNotEqual(state(auxiliary), start)
      XCTAssertEqual([adapter.frames, adapter.updates], [3, 3])
      XCTAssertTrue(adapter.lastLoss!.isFinite && adapter.restarts.isEmpty)
    }
  }

  /// Rate 0 is the frozen AuxNet: the same bits, and the sum of both networks' logits.
  func testRateZero() {
    let main = network(1), auxiliary = network(2), start = state(auxiliary)
    let adapter = AuxAdapter(main: main, auxiliary: auxiliary, configured { $0.learningRate = 0 })
    for image in frames(3) {
      let found = adapter(image).logits, x = Tensor(image)
      let z = network(1)(x), own = network(2)(resize(x, to: [64, 96]))
      assertClose(found, z + resize(own, to: Pair(height: z.shape[2], width: z.shape[3])), tolerance: 1e-4)
    }
    XCTAssertEqual(state(auxiliary), start)
  }

  /// The first step is plain SGD on the cross entropy with the pseudo-label of the sum, written out.
  func testStepAgainstDefinition() {
    let image = frames(1)[0], x = Tensor(image), small = resize(x, to: [64, 96])
    for loss in AuxAdaptConfiguration.Loss.allCases {
      let main = network(1), auxiliary = network(2), expected = network(2)
      let adapter = AuxAdapter(
        main: main, auxiliary: auxiliary,
        configured {
          $0.loss = loss
          $0.learningRate = 0.1
          $0.weight = 0.5
        })
      let frame = adapter(image)
      // Compiled, as the adapter has it: far from 0, its rounding decides the third digit of a saturated gradient.
      let z = main.compiled(for: x.shape).makeSession()([x])[0]
      let size = Pair(height: z.shape[2], width: z.shape[3]), pseudo = argmax(frame.logits)
      let (value, gradients) = valueAndGradient(of: expected) { net in
        let own = resize(net(small), to: size)
        return crossEntropy(loss == .own ? own : z + own * 0.5, pseudo)
      }
      XCTAssertEqual(adapter.lastLoss!, value.scalar, accuracy: 1e-4)
      for (parameter, other) in zip(expected.parameters, auxiliary.parameters) {
        guard parameter.role == .weight, let gradient = gradients[parameter] else {
          XCTAssertEqual(bits(parameter.value), bits(other.value))
          continue
        }
        assertClose(other.value, parameter.value - gradient * 0.1, tolerance: 1e-4)
      }
    }
  }

  /// Beside MainNet or after it: the same labels and parameters to the bit.
  func testOverlapChangesNothing() {
    func run(_ isOverlapped: Bool) -> ([Labels], [[UInt32]]) {
      let auxiliary = network(2)
      let adapter = AuxAdapter(
        main: network(1), auxiliary: auxiliary,
        configured {
          $0.isOverlapped = isOverlapped
          // Networks of random weights collapse at once.
          $0.isGuarded = false
          $0.learningRate = 0.05
        })
      let labels = frames(4).map { adapter($0).labels }
      adapter.finish()
      XCTAssertEqual(adapter.updates, 4)
      return (labels, state(auxiliary))
    }
    let (plain, overlapped) = (run(false), run(true))
    XCTAssertEqual(plain.0, overlapped.0)
    XCTAssertEqual(plain.1, overlapped.1)
  }

  /// A rate that breaks the AuxNet: it goes back to its start, says so, and the output stays that of numbers.
  func testDivergenceGuard() {
    let auxiliary = network(2), start = state(auxiliary)
    let adapter = AuxAdapter(main: network(1), auxiliary: auxiliary, configured { $0.learningRate = 1e20 })
    var logits: [Tensor] = []
    for image in frames(4) { logits.append(adapter(image).logits) }
    XCTAssertTrue(adapter.restarts.contains { $0.reason == "nonFinite" }, "\(adapter.restarts)")
    XCTAssertTrue(logits.allSatisfy { $0.scalars.allSatisfy(\.isFinite) })
    // Frame by frame: a step that breaks it, and the frame that notices.
    XCTAssertEqual(adapter.restarts.map(\.frame), [1, 3])
    XCTAssertEqual(state(auxiliary), start)

    // Collapse: one class for three frames while MainNet sees two.
    var guarded = DivergenceGuard()
    let varied = Labels([1, 2, 4], [0, 1, 0, 1, 0, 1, 0, 1]), single = Labels([1, 2, 4], filledWith: 1)
    XCTAssertEqual(
      (0..<4).map { _ in guarded.look(main: varied, auxiliary: single, classes: 2, isFinite: true) },
      [nil, nil, .collapse, nil])
    XCTAssertNil(guarded.look(main: single, auxiliary: single, classes: 2, isFinite: true))
    XCTAssertNil(guarded.look(main: varied, auxiliary: varied, classes: 2, isFinite: true))
    XCTAssertEqual(guarded.look(main: varied, auxiliary: varied, classes: 2, isFinite: false), .nonFinite)
  }

  /// Clips and cuts put the AuxNet back; `never` does not.
  func testResets() {
    let images = frames(2)
    for reset in AuxAdaptConfiguration.Reset.allCases {
      let auxiliary = network(2), start = state(auxiliary)
      let adapter = AuxAdapter(main: network(1), auxiliary: auxiliary, configured { $0.reset = reset })
      for image in images { _ = adapter(image) }
      adapter.startClip()
      XCTAssertEqual(state(auxiliary) == start, reset != .never)
      XCTAssertEqual(adapter.restarts.map(\.reason), reset == .never ? [] : ["clip"])
    }
    // A picture of another street.
    let gray = Image(width: 96, height: 64, filledWith: RGB(30, 30, 30)),
      bright = Image(width: 96, height: 64, filledWith: .white)
    let adapter = AuxAdapter(main: network(1), auxiliary: network(2), configured { $0.reset = .cuts })
    for image in [gray, gray, gray, bright, bright] { _ = adapter(image) }
    XCTAssertEqual(adapter.restarts.map(\.frame), [3])
    XCTAssertEqual(adapter.restarts.map(\.reason), ["cut"])
  }

  /// Cuts of made-up clips are found, and driving is none.
  func testCutsOfStreets() {
    let streets = StreetScenes(split: "dev", size: [64, 128])
    for index in 0..<3 {
      let clip = streets.clip(at: index, frames: 16, cuts: [6, 11])
      var detector = CutDetector()
      let cuts = clip.frames(at: Array(0..<16)).enumerated().filter { detector.isCut($0.element.image) }.map(\.offset)
      XCTAssertEqual(cuts, [6, 11], clip.name)
    }
  }

  /// Sizes that neither network divides are padded and cut back, and may change from clip to clip.
  func testSizes() {
    let adapter = AuxAdapter(main: network(1), auxiliary: network(2))
    for (height, width) in [(50, 70), (64, 128), (33, 1)] {
      adapter.startClip()
      XCTAssertEqual(adapter(Image(width: width, height: height)).labels.shape, [height, width])
    }
  }

  /// Tent moves scales and shifts alone; both rivals learn.
  func testRivals() {
    for objective in [SelfAdapter.Objective.pseudoLabel, .tent] {
      let own = network(3),
        before = Dictionary(uniqueKeysWithValues: own.state.map { ($0.name, bits($0.parameter.value)) })
      let adapter = SelfAdapter(own, objective, learningRate: 0.01)
      for image in frames(2) { XCTAssertEqual(adapter(image).labels.shape, [128, 192]) }
      let moved = own.state.filter { before[$0.name] != bits($0.parameter.value) && $0.parameter.role == .weight }
      XCTAssertFalse(moved.isEmpty)
      if objective == .tent { XCTAssertTrue(moved.allSatisfy { $0.parameter.shape.rank == 1 }) }
    }
  }

  /// The cost of learning on the way, for the pair of the paper's notes at 512×1024: at most a fifth of what it costs to
  /// adapt MainNet itself. Medians of interleaved frames.
  func testOverhead() throws {
    guard ProcessInfo.processInfo.environment["SEGKERNELS_SLOW"] != nil else {
      throw XCTSkip("measures speed; set SEGKERNELS_SLOW=1 on an idle machine to run it")
    }
    func network(_ name: String) -> FFNet {
      let network = FFNet(FFNetConfiguration(name: name)!, seed: nil)
      network.initialize(.kaimingFanOut, seed: 1)
      return network
    }
    let images = frames(2, height: 512, width: 1024), x = Tensor(images[0])
    let session = network("ffnet78S_dBBB_mobile").compiled(for: x.shape).makeSession()
    let adapter = AuxAdapter(
      main: network("ffnet78S_dBBB_mobile"), auxiliary: network("ffnet40S_dBBB_mobile"), divisor: 64,
      configured { _ in })
    let selfAdapter = SelfAdapter(network("ffnet78S_dBBB_mobile"), .pseudoLabel, divisor: 64)
    let clock = ContinuousClock()
    var alone: [Double] = [], pair: [Double] = [], itself: [Double] = []
    for round in 0..<6 {
      let times = [
        clock.measure { _ = argmax(session([x])[0], resizedTo: [512, 1024]) }.seconds,
        clock.measure { _ = adapter(images[round % 2]) }.seconds,
        clock.measure { _ = selfAdapter(images[round % 2]) }.seconds,
      ]
      guard round > 0 else { continue }
      alone.append(times[0])
      pair.append(times[1])
      itself.append(times[2])
    }
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] * 1000 }
    let overhead = median(pair) - median(alone), other = median(itself) - median(alone)
    print(
      String(
        format:
          "MainNet alone %.0f ms, AuxAdapt %.0f ms (overhead %.0f), adapting MainNet %.0f ms (overhead %.0f): ratio %.1f",
        median(alone), median(pair), overhead, median(itself), other, other / overhead))
    XCTAssertGreaterThan(other / overhead, 5)
  }
}
