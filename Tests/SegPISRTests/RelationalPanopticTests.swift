import Foundation
import SegData
import SegImages
import SegKernels
import SegPISR
import SegTestSupport
import SegTraining
import XCTest

/// Two stages around a network, and the experiment that compares them.
final class RelationalPanopticTests: XCTestCase {
  private func configuration(_ name: String) throws -> PanopticConfiguration {
    try XCTUnwrap(PanopticConfiguration(name: name))
  }

  private func image(_ seed: UInt64 = 1) -> Tensor {
    var random = RandomSource(seed: seed)
    return .normal([1, 3, 64, 96], using: &random)
  }

  /// γ = 0: the outputs of the network alone, bit for bit, whether drawn or begun from its weights.
  func testUntrainedPISREqualsTheBaselineBitForBit() throws {
    let baseline = try configuration("panoptic_deeplab_ffnet22S_half").makeNetwork(seed: 7)
    let drawn = try configuration("pisr_deeplab_ffnet22S_half").makeNetwork(seed: 7)
    let begun = try configuration("pisr_deeplab_ffnet22S_half").makeNetwork(seed: 8)
    let values = Dictionary(uniqueKeysWithValues: baseline.state.map { ($0.name, $0.parameter.value) })
    XCTAssertFalse(try begun.start(from: values).isEmpty)
    let expected = baseline.outputs(image()).map(bits)
    XCTAssertEqual(drawn.outputs(image()).map(bits), expected)
    XCTAssertEqual(begun.outputs(image()).map(bits), expected)
    // The first prediction begins where the last one stands.
    let relational = try XCTUnwrap(begun as? RelationalPanoptic<PanopticDeepLab>)
    let (first, last) = relational.predictions(image())
    XCTAssertEqual(bits(first.semantic), bits(last.semantic))
    XCTAssertEqual(bits(first.center), bits(last.center))
    let gamma = try XCTUnwrap(begun.state.first { $0.name == "relation.gamma" })
    gamma.parameter.value = Tensor([1], [0.5])
    XCTAssertNotEqual(begun.outputs(image()).map(bits), expected)
  }

  /// Compiled outputs are those of the modules, PISR's included, and another limit of slots is another network.
  func testCompiledOutputs() throws {
    let network = try configuration("pisr_deeplab_ffnet22S_half").makeNetwork(seed: 3)
    for (name, parameter) in network.state where name == "relation.gamma" { parameter.value = Tensor([1], [1]) }
    let x = image(2), expected = network.outputs(x)
    let session = Program(Graph.capture(inputs: [x.shape]) { network.outputs($0[0]) }).makeSession()
    for (found, expected) in zip(session([x]), expected) { assertClose(found, expected, tolerance: 1e-3) }
  }

  /// An image of road alone has no token of a thing, whether things are found by centres or by queries.
  func testStuffOnlyImageGivesZeroInstanceTokens() throws {
    func check<Base: PanopticBase>(_ base: Base, _ prediction: Base.Prediction, _ name: String) throws {
      let masks = base.relationMasks(of: prediction, slots: 4, limit: 4)
      XCTAssertEqual(masks.filled?.scalars, [0, 0, 0, 0], name)
      let module = PanopticRelation(.init(channels: base.relationChannels, classes: 19, instances: 4))
      var random = RandomSource(seed: 3)
      let features = Tensor.normal([1, base.relationChannels, 16, 24], using: &random)
      let encodings = module.encodings(features, masks).scalars
      XCTAssertEqual(Set(encodings[(19 * base.relationChannels)...]), [0], name)
      XCTAssertTrue(encodings[..<(19 * base.relationChannels)].contains { $0 != 0 }, name)
    }
    let road = Tensor([1, 19, 1, 1], (0..<19).map { $0 == 0 ? 9 : 0 }).broadcast(to: [1, 19, 16, 24])
    let deepLab = try configuration("panoptic_deeplab_ffnet22S_half").makeDeepLab(seed: 1)
    try check(
      deepLab, .init(semantic: road, center: .zeros([1, 1, 16, 24]), offset: .zeros([1, 2, 16, 24])), "deeplab")
    let maskFormer = try configuration("maskformer_ffnet22S_half").makeMaskFormer(seed: 1)
    let classes = Tensor([1, 5, 20], (0..<100).map { $0 == 0 || ($0 >= 20 && $0 % 20 == 19) ? 9 : 0 })
    try check(
      maskFormer, .init(layers: [.init(classes: classes, masks: .ones([1, 5, 16, 24]))]), "maskformer")
  }

  /// Fewer slots at inference than in training: another result, and the same for as many as there are. Both bases.
  func testAnotherKAtInference() throws {
    // First predictions that find more things than there are slots.
    for (name, parameter, place) in [
      ("pisr_deeplab_ffnet22S_half", "initial.instance_head.classifier.center.1.bias", 0),
      ("pisr_maskformer_ffnet22S_half", "initial.class_embed.bias", 13),
    ] {
      let network = try XCTUnwrap(try configuration(name).makeNetwork(seed: 3) as? any RelationalNetwork)
      let state = Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.parameter) })
      let bias = try XCTUnwrap(state[parameter])
      bias.value = Tensor(bias.shape, (0..<bias.value.count).map { $0 == place ? 5 : 0 })
      try XCTUnwrap(state["relation.gamma"]).value = Tensor([1], [1])
      func outputs(_ limit: Int?) -> [[UInt32]] {
        network.instanceLimit = limit
        return network.outputs(image()).map(bits)
      }
      let all = outputs(nil)
      XCTAssertEqual(outputs(20), all, name)
      XCTAssertNotEqual(outputs(5), all, name)
      XCTAssertNotEqual(outputs(0), outputs(5), name)
      XCTAssertTrue(network.outputs(image()).allSatisfy { $0.scalars.allSatisfy(\.isFinite) }, name)
    }
  }

  /// Arms have the names of the experiment, and the control of two stages about as many parameters as PISR.
  func testArmsOfTheExperiment() throws {
    let experiment = PISRReproduction().experiment, things = PanopticConfiguration.cityscapesThings
    XCTAssertEqual(experiment.arms.map(\.name), ["baseline", "two-stage", "semantic", "unweighted", "pisr"])
    let counts = Dictionary(
      uniqueKeysWithValues: experiment.arms.map {
        ($0.name, PISRReproduction.network($0, things: things, seed: 1).parameterCount)
      })
    let ratio = Double(counts["two-stage"]! - counts["baseline"]!) / Double(counts["pisr"]! - counts["baseline"]!)
    XCTAssertEqual(ratio, 1, accuracy: 0.05)
    XCTAssertLessThan(counts["unweighted"]!, counts["pisr"]!)
    for arm in experiment.arms {
      XCTAssertEqual(PISRReproduction().recipe(arm, .quick).problems.count, 1, "data alone")
    }
  }

  /// The experiment cut as short as it goes, on a few streets.
  func testRunsOfTheExperiment() throws {
    let folder = try Fixtures.temporaryFolder(self)
    func streets(_ split: String) throws -> CachedDataset {
      try StreetScenes(split: split, count: 8, size: [192, 384])
        .cached(keepsInstances: true, in: folder.appendingPathComponent("cache"))
    }
    var data = ExperimentData("streets", folds: [.init(train: try streets("train"), test: try streets("test"))])
    data.terms = "none"
    var setup = RunSetup(preset: .quick, data: data, steps: 1, folder: folder.appendingPathComponent("runs/a"))
    var results: [String: RunResult] = [:]
    for arm in PISRReproduction().experiment.arms where ["baseline", "pisr"].contains(arm.name) {
      setup.folder = folder.appendingPathComponent("runs/\(arm.name)")
      try FileManager.default.createDirectory(at: setup.folder, withIntermediateDirectories: true)
      results[arm.name] = try PISRReproduction().run(arm, seed: 1, setup: setup) { _, _, _ in }
    }
    let names = try XCTUnwrap(results["pisr"]).metrics.map(\.name)
    for name in [
      "PQ", "SQ", "RQ", "PQ things", "PQ stuff", "PQ of 5 slots", "PQ of 50 slots", "ms of the second stage",
    ] {
      XCTAssertTrue(names.contains(name), "\(name) in \(names)")
    }
    XCTAssertEqual(results["pisr"]!.images.count, 4)
    XCTAssertEqual(results["pisr"]!.images[0].count, 3 * 4 * 19)
    for result in results.values {
      let metric = try XCTUnwrap(result.metrics.first { $0.name == "PQ" })
      var sums = [Double](repeating: 0, count: result.images[0].count)
      for row in result.images { for (index, value) in row.enumerated() { sums[index] += value } }
      XCTAssertEqual(try XCTUnwrap(metric.statistic?(sums)), try XCTUnwrap(metric.value), accuracy: 1e-12)
    }
    // One baseline served both arms.
    let kept = try FileManager.default.contentsOfDirectory(atPath: setup.shared.path)
    XCTAssertEqual(kept.filter { $0.hasPrefix("baseline-") }.count, 1)
  }
}
