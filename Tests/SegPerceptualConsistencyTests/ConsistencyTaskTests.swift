import SegData
import SegFFNet
import SegFormats
import SegImages
import SegKernels
import SegPerceptualConsistency
import SegPretrained
import SegTestSupport
import SegTraining
import XCTest

/// The regulariser in training, and the experiment's recipes.
final class ConsistencyTaskTests: XCTestCase {
  /// Every kind of match gives sound pairs; along exact flow most places of neighbouring frames are matched, near by.
  func testPairs() throws {
    let streets = StreetScenes(split: "dev", size: [64, 128])
    for match in [Recipe.Pairs.Match.features, .samePosition, .exactFlow] {
      var recipe = Recipe.Pairs()
      (recipe.count, recipe.gap, recipe.match) = (2, 2, match)
      let pairs = FramePairs(of: streets, recipe, features: try .bundled(), seed: 1)
      XCTAssertEqual(pairs.pairs.count, 2)
      for pair in pairs.pairs {
        XCTAssertNotEqual(pair.a, pair.b)
        for correspondence in [pair.forward, pair.backward] {
          XCTAssertEqual(correspondence.matches.count, 8 * 16)
          XCTAssertTrue(correspondence.matches.allSatisfy { $0 >= 0 && $0 < 128 })
          XCTAssertTrue(correspondence.weights.allSatisfy { $0 >= 0 && $0 <= 1.0001 })
          XCTAssertGreaterThan(correspondence.weights.reduce(0, +), 32)
        }
        if match == .samePosition { XCTAssertEqual(pair.forward.matches, (0..<128).map { Int32($0) }) }
        if match == .exactFlow {
          let near = pair.forward.matches.enumerated().filter { place, other in
            abs(place / 16 - Int(other) / 16) <= 3 && abs(place % 16 - Int(other) % 16) <= 6
          }
          XCTAssertGreaterThan(near.count, 64)
        }
      }
    }
  }

  /// The task's loss is that of the labelled images plus the weighted regulariser, and steps against it lower it.
  func testLossFallsInTraining() throws {
    let streets = StreetScenes(split: "dev", size: [64, 128])
    var recipe = Recipe.Pairs()
    (recipe.count, recipe.gap) = (1, 1)
    let pairs = FramePairs(of: streets, recipe, features: try .bundled(), seed: 1), pair = pairs.pairs[0]
    let network = FFNet(FFNetConfiguration(name: "ffnet22S_half_BCC")!, seed: nil)
    try network.load(published: BundledWeights.streets.archive().tensors)
    let frames = streets.frames(at: [0, 1])
    let batch = Batch(
      images: Tensor(frames.map(\.image)), labels: Labels([2, 64, 128], frames.flatMap(\.labels.values)),
      names: ["", ""])
    func task(_ weight: Float) -> ConsistencyTask {
      ConsistencyTask(network, ignoreIndex: 255, loss: SegmentationLoss(), pairs: pairs, weight: weight, seed: 1)
    }
    let plain = SegmentationTask(network, ignoreIndex: 255).loss(batch, progress: 0).scalar
    func regulariser() -> Float {
      let x = resize(network(Tensor([pair.a, pair.b])), to: [8, 16])
      let (a, b) = (x.slice(axis: 0, 0..<1), x.slice(axis: 0, 1..<2))
      return
        ((perceptualConsistencyLoss(a, b, pair.forward) + perceptualConsistencyLoss(b, a, pair.backward)) / 2).scalar
    }
    let before = regulariser()
    XCTAssertEqual(task(0).loss(batch, progress: 0).scalar, plain, accuracy: 1e-4)
    XCTAssertEqual(task(2).loss(batch, progress: 0).scalar, plain + 2 * before, accuracy: 1e-3)
    // The regulariser alone: as a large weight makes it.
    let optimizer = SGD(learningRate: 1e-4), strong = task(100)
    for _ in 0..<5 {
      let (_, gradients) = valueAndGradient(of: network) { _ in strong.loss(batch, progress: 0) }
      optimizer.update(network, with: gradients)
    }
    XCTAssertLessThan(regulariser(), before)
  }

  /// Arms differ in the named keys alone, and every contrast has its arms (else the experiment traps).
  func testExperiment() {
    let paper = PerceptualConsistencyReproduction()
    for preset in Experiment.Preset.allCases {
      for arm in paper.experiment.arms {
        let recipe = paper.recipe(arm, preset)
        XCTAssertEqual(recipe.problems.filter { !$0.hasPrefix("data.kind") }, [], arm.name)
        XCTAssertEqual(recipe.loss.consistency > 0, ["on", "same", "flow"].contains { arm.name.hasSuffix("-" + $0) })
      }
    }
    XCTAssertEqual(paper.experiment.contrasts.filter { $0.role == .claim }.count, 3)
  }
}
