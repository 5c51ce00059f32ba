import SegKernels
import XCTest

/// Schedules, averages and clipping by hand.
final class OptimizerTests: XCTestCase {
  private final class Scales: UnaryModule {
    let scale = Parameter(Tensor([2], [1, 2]))
    let counter = Parameter(Tensor(0), role: .counter)
    var parts: [Part] { [Part("scale", scale), Part("counter", counter)] }
    func callAsFunction(_ x: Tensor) -> Tensor { x * scale.value }
  }

  func testStepScheduleFallsAtItsMilestones() {
    let schedule = Schedule.steps(milestones: [0.5, 0.75], factor: 0.1)
    let factors = (0..<8).map { schedule.factor(step: $0, of: 8) }
    for (found, expected) in zip(factors, [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01] as [Float]) {
      XCTAssertEqual(found, expected, accuracy: 1e-7)
    }
  }

  /// Three values with d = 1/10, then 2/11: the first is taken as it is.
  func testAverageFollowsItsFormula() {
    let net = Scales(), average = ExponentialMovingAverage(decay: 0.99)
    var expected: [Double] = [1, 2]
    average.update(net)
    for (step, values) in ([[3, 1], [-2, 5]] as [[Double]]).enumerated() {
      net.scale.value = Tensor([2], values.map(Float.init))
      net.counter.value = Tensor(Float(step + 1))
      average.update(net)
      let d = Double(2 + step) / Double(11 + step)
      expected = zip(expected, values).map { d * $0 + (1 - d) * $1 }
    }
    average.apply(to: net)
    for (found, expected) in zip(net.scale.value.scalars, expected) {
      XCTAssertEqual(Double(found), expected, accuracy: 1e-6)
    }
    XCTAssertEqual(net.counter.value.scalar, 2)
  }

  /// Gradients (3, 4) have the norm 5; clipped to 1 they keep their direction, and smaller ones stay.
  func testGradientsAreClippedToANormAndAdded() {
    let net = Scales()
    func gradients(_ x: Tensor) -> Gradients { valueAndGradient(of: net) { $0(x).sum() }.gradients }
    var found = gradients(Tensor([2], [3, 4]))
    found.clip(toNorm: 10)
    XCTAssertEqual(found[net.scale]!.scalars, [3, 4])
    found.clip(toNorm: 1)
    for (found, expected) in zip(found[net.scale]!.scalars, [0.6, 0.8] as [Float]) {
      XCTAssertEqual(found, expected, accuracy: 1e-6)
    }
    found = gradients(Tensor([2], [3, 4]))
    found.add(gradients(Tensor([2], [1, -1])))
    XCTAssertEqual(found[net.scale]!.scalars, [4, 3])
  }
}
