import SegAuxAdapt
import SegTraining
import XCTest

/// The experiment of AuxAdapt: arms, contrasts and recipes.
final class AuxAdaptReproductionTests: XCTestCase {
  func testExperiment() {
    let paper = AuxAdaptReproduction { { _, _ in { _, _ in 1 } } }
    let names = paper.experiment.arms.map(\.name)
    XCTAssertEqual(names, ["main", "frozen", "auxadapt", "sum", "self", "tent", "average"])
    for preset in Experiment.Preset.allCases {
      let recipes = paper.experiment.arms.map { paper.recipe($0, preset) }
      // All arms share the networks: what differs is how they look at clips.
      XCTAssertEqual(Set(recipes).count, 1)
      XCTAssertEqual(recipes[0].problems.filter { !$0.hasPrefix("data.kind") }, [])
    }
    let claims = paper.experiment.contrasts.filter { $0.role == .claim }
    XCTAssertEqual(claims.map(\.metric), ["TC", "mIoU"])
    XCTAssertTrue(claims.allSatisfy { $0.a == "auxadapt" && $0.b == "frozen" })
  }
}
