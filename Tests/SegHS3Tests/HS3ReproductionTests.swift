import Foundation
import SegData
import SegHS3
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

/// The experiment, cut as short as it goes.
final class HS3ReproductionTests: XCTestCase {
  func testArms() {
    let paper = HS3Reproduction()
    for arm in paper.experiment.arms {
      for preset in Experiment.Preset.allCases {
        XCTAssertEqual(
          paper.recipe(arm, preset).problems, ["data.kind: expected a kind of data set, found none"], arm.name)
      }
    }
  }

  /// Random clusters: as many, of the same sizes.
  func testShuffledClusters() {
    var random = RandomSource(seed: 1)
    let clusters = ClassClusters([0, 0, 0, 1, 1, 2, 3])
    let shuffled = (0..<20).map { _ in clusters.shuffled(using: &random) }
    for other in shuffled { XCTAssertEqual(other.groups.map(\.count).sorted(), [1, 1, 2, 3]) }
    XCTAssertGreaterThan(Set(shuffled).count, 5)
  }

  /// All arms, one step: three share the clusters of one search; heads cost nothing at inference, the Fuse block does.
  func testRun() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let data = ExperimentData("bands", folds: [.init(train: Bands(), test: Bands())])
    var phases: [String] = []
    let report = try ExperimentRunner(HS3Reproduction(), RunSetup(preset: .quick, data: data, steps: 1, folder: folder))
      .run(seeds: 1) { run, phase, done, _ in
        if done == 1 { phases.append("\(run.split(separator: " ")[2]) \(phase)") }
      }
    XCTAssertEqual(phases.filter { $0.contains("deep supervision") }, ["hs3, fold 1, deep supervision"])
    let arms = report.answer.arms
    XCTAssertEqual(arms.map(\.name), ["none", "deep", "hs3", "random", "deep-fuse", "hs3-fuse"])
    XCTAssertEqual(arms[1].parameters, arms[0].parameters)
    XCTAssertEqual(arms[2].parameters, arms[0].parameters)
    XCTAssertGreaterThan(arms[4].parameters, arms[0].parameters)
    XCTAssertGreaterThan(arms[1].train_gflop_per_image, arms[0].train_gflop_per_image)
    XCTAssertEqual(report.answer.contrasts.map(\.role), [.claim, .claim, .control, .control])
    XCTAssertEqual(report.notes.filter { $0.contains("clusters") }.count, 3, "\(report.notes)")
    let shared = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("shared").path)
    XCTAssertEqual(shared.count, 1)
  }
}
