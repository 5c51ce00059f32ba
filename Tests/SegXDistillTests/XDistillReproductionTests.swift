import Foundation
import SegData
import SegKernels
import SegTestSupport
import SegTraining
import SegXDistill
import XCTest

/// The experiment, cut as short as it goes.
final class XDistillReproductionTests: XCTestCase {
  private let paper = XDistillReproduction { { $0.labels } }

  private func run(_ name: String) throws -> RunResult {
    let arm = try XCTUnwrap(paper.experiment.arms.first { $0.name == name })
    let streets = try StreetScenes(split: "train", size: [128, 384], seed: 2).cached(keepsInstances: false)
    var data = ExperimentData("streets:2", folds: [.init(train: streets, test: streets)])
    data.streets = { StreetScenes(split: $0, size: $1, seed: 2) }
    let setup = RunSetup(
      preset: .quick, data: data, steps: 1, folder: try Fixtures.temporaryFolder(self))
    return try paper.run(arm, seed: 1, setup: setup) { _, _, _ in }
  }

  func testArmsTrainAndAreScored() throws {
    let strong = try run("strong"), learned = try run("xdistill-learned")
    for result in [strong, learned] {
      XCTAssertEqual(result.images.count, 4)
      for contrast in paper.experiment.contrasts {
        let metric = try XCTUnwrap(result.metrics.first { $0.name == contrast.metric }, contrast.metric)
        XCTAssertFalse(metric.higherIsBetter)
        let value = try XCTUnwrap(metric.value, contrast.metric)
        XCTAssertTrue(value > 0 && value.isFinite, "\(contrast.metric): \(value)")
        // What the bootstrap computes from the sums is the score.
        let sums = result.images[0].indices.map { column in result.images.reduce(0) { $0 + $1[column] } }
        XCTAssertEqual(try XCTUnwrap(metric.statistic?(sums)), value, accuracy: 1e-12)
      }
    }
    // The translator and the poses are gone.
    XCTAssertEqual(strong.parameters, learned.parameters)
  }

  func testANetworkStartsAtADepth() throws {
    let configuration = try XCTUnwrap(DepthConfiguration(name: "monodepth2_resnet18_half"))
    let network = DepthNetwork(configuration, seed: 4)
    network.start(at: 10)
    var random = RandomSource(seed: 5)
    let told = configuration.depth(network(.uniform([1, 3, 64, 96], in: 0..<1, using: &random))).scalars.sorted()
    XCTAssertTrue((5...20).contains(told[told.count / 2]), "\(told[told.count / 2])")
  }

  func testGroupingsCoverTheClassesOnce() throws {
    for name in ["geometry6", "coarse4", "full19"] {
      let grouping = try ClassGrouping(name)
      XCTAssertEqual(grouping.groups.count, 19)
      XCTAssertEqual(Set(grouping.groups), Set(grouping.names.indices.map { Int32($0) }), name)
    }
    let file = try Fixtures.temporaryFolder(self).appendingPathComponent("groups.txt")
    for (text, word) in [
      ("a: 0 1 2\n", "no 3"), ("a: 0 0\n", "0 twice"), ("a 0\n", "found 'a 0'"), ("a: 19\n", "19"),
    ] {
      try text.write(to: file, atomically: true, encoding: .utf8)
      XCTAssertThrowsError(try ClassGrouping(file.path), text) { XCTAssertTrue("\($0)".contains(word), "\($0)") }
    }
    try "low: 0 1 9\nrest: 2 3 4 5 6 7 8 10 11 12 13 14 15 16 17 18\n".write(
      to: file, atomically: true, encoding: .utf8)
    let own = try ClassGrouping(file.path)
    XCTAssertEqual(own.names, ["low", "rest"])
    XCTAssertEqual(own(Labels([1, 4], [9, 10, 255, -1])).values, [0, 1, 255, 255])
  }
}
