import Foundation
import SegData
import SegImages
import SegInverseForm
import SegKernels
import SegTraining
import XCTest

final class InverseFormReproductionTests: XCTestCase {
  /// What the arms predict with costs the same, and begins the same; what differs are losses.
  func testArmsDifferInTheirLossesAlone() throws {
    let paper = InverseFormReproduction()
    let classes = ClassTable(names: (0..<19).map { "class \($0)" })
    let setup = RunSetup(
      preset: .quick, data: ExperimentData("none", folds: []), folder: URL(fileURLWithPath: NSTemporaryDirectory()))
    var random = RandomSource(seed: 3)
    let images = Tensor.normal([1, 3, 64, 96], using: &random)
    let values = (0..<(64 * 96)).map { pixel -> Int32 in
      let (row, column) = (pixel / 96, pixel % 96)
      return Int32(column / 20 + row / 30)
    }
    let labels = Labels([1, 64, 96], values)
    let depth = Tensor([1, 1, 64, 96], values.map { Float($0 + 5) })
    var predictions: [Tensor] = [], losses: [Float] = [], counts: [String: Set<Int>] = [:]
    for arm in paper.experiment.arms {
      let network = try paper.build(arm, paper.recipe(arm, .quick), classes, setup)
      counts[arm.settings["model"]?.text ?? "", default: []].insert(network.predictor.parameterCount)
      XCTAssertFalse(network.predictor.state.contains { $0.name.hasPrefix("boundary_head") }, arm.name)
      network.predictor.setTraining(false)
      predictions.append(network.predictor(images))
      let batch = Batch(images: images, labels: labels, depth: depth, names: ["made up"])
      losses.append(network.task.loss(batch, progress: 0.5).scalar)
    }
    XCTAssertEqual(counts.values.map(\.count), [1, 1], "with depth and without")
    for prediction in predictions { XCTAssertEqual(prediction.scalars, predictions[0].scalars) }
    XCTAssertEqual(Set(losses).count, losses.count, "each arm's loss is its own: \(losses)")
  }

  /// Arms that tell depth are left out on data without, and refused where they are asked for.
  func testArmsWithDepthNeedIt() {
    let paper = InverseFormReproduction()
    var data = ExperimentData("camvid", folds: [])
    let lacking = paper.experiment.arms.filter { paper.problem(of: $0, on: data) != nil }.map(\.name)
    XCTAssertEqual(lacking, ["multitask-boundary", "multitask-inverseform"])
    data.streets = { StreetScenes(split: $0, size: $1) }
    XCTAssertTrue(paper.experiment.arms.allSatisfy { paper.problem(of: $0, on: data) == nil })
  }

  /// The soft Dice loss by its definition in doubles, ignored pixels left out, and its gradient by central differences.
  func testBoundaryDice() {
    let logits: [Float] = [0.3, -1.2, 2, 0.1, -0.4, 1.5], truth: [Float] = [1, 0, 1, 1, 0, 0]
    let counts: [Float] = [1, 1, 1, 0, 1, 1]
    func expected(_ logits: [Double]) -> Double {
      var product = 0.0, p = 0.0, t = 0.0
      for index in logits.indices where counts[index] > 0 {
        let probability = 1 / (1 + exp(-logits[index]))
        product += probability * Double(truth[index])
        p += probability
        t += Double(truth[index])
      }
      return 1 - (2 * product + 1) / (p + t + 1)
    }
    let shape: Shape = [1, 1, 2, 3]
    let target = Tensor(shape, truth), counted = Tensor(shape, counts)
    let (value, gradients) = valueAndGradient(at: [Tensor(shape, logits)]) {
      boundaryDice($0[0], target, counted: counted)
    }
    XCTAssertEqual(Double(value.scalar), expected(logits.map(Double.init)), accuracy: 1e-6)
    for index in logits.indices {
      var up = logits.map(Double.init), down = up
      up[index] += 1e-5
      down[index] -= 1e-5
      let slope = (expected(up) - expected(down)) / 2e-5
      XCTAssertEqual(Double(gradients[0].scalars[index]), slope, accuracy: 1e-5)
    }
  }
}
