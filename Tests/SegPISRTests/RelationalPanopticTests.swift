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
    let kept = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("runs").path)
    XCTAssertEqual(kept.filter { $0.hasPrefix("baseline-") }.count, 1)
  }
}
