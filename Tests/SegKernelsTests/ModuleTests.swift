import SegKernels
import XCTest

final class ModuleTests: XCTestCase {
  private final class Net: UnaryModule {
    let conv = Conv2d(inputChannels: 2, outputChannels: 3, kernel: 3, bias: true)
    let norm = BatchNorm2d(channels: 3)
    var parts: [Part] { [Part("block", Sequential(conv, norm)), Part("none", nil as Parameter?)] }
    func callAsFunction(_ x: Tensor) -> Tensor { norm(conv(x)) }
  }

  func testNamesComeInTheDeclaredOrder() {
    XCTAssertEqual(
      Net().state.map(\.name),
      [
        "block.0.weight", "block.0.bias", "block.1.weight", "block.1.bias", "block.1.running_mean",
        "block.1.running_var", "block.1.num_batches_tracked",
      ])
    XCTAssertEqual(Net().parameterCount, 3 * 2 * 9 + 3 + 3 + 3)
  }

  /// Parameters are drawn by name: a layer starts equal in networks that differ elsewhere.
  func testInitializationIsByName() {
    let a = Net(), b = Net()
    a.initialize(.kaimingFanOut, seed: 5)
    b.initialize(.kaimingFanOut, seed: 5)
    XCTAssertEqual(a.conv.weight.value.scalars, b.conv.weight.value.scalars)
    b.initialize(.kaimingFanOut, seed: 6)
    XCTAssertNotEqual(a.conv.weight.value.scalars, b.conv.weight.value.scalars)
  }

  func testLoadingReportsDifferencesAndChangesNothingWhenRefused() throws {
    let net = Net()
    var values = Dictionary(
      uniqueKeysWithValues: net.state.map { ($0.name, Tensor($0.parameter.shape, filledWith: 2)) })
    values["block.0.bias"] = nil
    values["block.1.weight"] = .ones([4])
    values["extra"] = .ones([1])
    XCTAssertThrowsError(try net.load(values)) { error in
      let text = "\(error)"
      for name in ["block.0.bias", "block.1.weight", "extra", "(3)", "(4)"] { XCTAssertTrue(text.contains(name), text) }
    }
    XCTAssertEqual(net.conv.weight.value.scalars.max(), 0, "a refused load leaves the module as it was")
    let report = try net.load(
      values, rules: LoadRules(mayMiss: { $0 == "block.0.bias" }, mayDrop: { $0 == "extra" }, mayDiffer: { _ in true }))
    XCTAssertEqual(report.missing, ["block.0.bias"])
    XCTAssertEqual(report.unexpected, ["extra"])
    XCTAssertEqual(report.mismatched.map(\.name), ["block.1.weight"])
    XCTAssertEqual(net.conv.weight.value.scalars.max(), 2)
  }

  /// A linear layer maps rows, however many axes they are spread over; its norm has its parameters' names.
  func testLayersOfRows() {
    var random = RandomSource(seed: 8)
    let layer = Linear(inputFeatures: 5, outputFeatures: 3), norm = LayerNorm(features: 5)
    layer.initialize(.kaimingFanOut, seed: 1)
    let x = Tensor.normal([2, 4, 5], using: &random), rows = x.reshaped(8, 5)
    XCTAssertEqual(layer(x).shape, [2, 4, 3])
    XCTAssertEqual(layer(x).scalars, layer(rows).scalars)
    XCTAssertEqual(norm.state.map(\.name), ["weight", "bias"])
    XCTAssertEqual(norm(x).scalars, norm(rows).scalars)
    for row in 0..<8 {
      let y = norm(rows).slice(axis: 0, row..<(row + 1)).scalars
      XCTAssertEqual(y.reduce(0, +), 0, accuracy: 1e-5)
      XCTAssertEqual(y.reduce(0) { $0 + $1 * $1 } / 5, 1, accuracy: 1e-3)
    }
  }

  /// Running statistics follow the batch: (1 − m)·old + m·batch, the variance unbiased.
  func testRunningStatistics() {
    let norm = BatchNorm2d(channels: 1)
    norm.setTraining(true)
    _ = norm(Tensor([1, 1, 1, 4], [1, 2, 3, 6]))
    XCTAssertEqual(norm.runningMean.value.scalar, 0.1 * 3, accuracy: 1e-6)
    XCTAssertEqual(norm.runningVariance.value.scalar, 0.9 + 0.1 * (4 + 1 + 0 + 9) / 3, accuracy: 1e-6)
    XCTAssertEqual(norm.batchesTracked.value.scalar, 1)
  }

  func testDropoutKeepsTheMeanAndIsOffInEvaluation() {
    let layer = Dropout(rate: 0.25, seed: 3)
    let x = Tensor([100_000], filledWith: 1)
    XCTAssertEqual(layer(x).scalars, x.scalars)
    layer.setTraining(true)
    let y = layer(x)
    XCTAssertEqual(Set(y.scalars), [0, 1 / 0.75])
    XCTAssertEqual(y.mean().scalar, 1, accuracy: 0.01)
    // The gradient passes where the value did.
    layer.random = RandomSource(seed: 4)
    var again = RandomSource(seed: 4)
    let gradient = valueAndGradient(at: [x]) { layer($0[0]).sum() }.gradients[0]
    XCTAssertEqual(gradient.scalars, dropout(x, rate: 0.25, using: &again).scalars)
  }

  /// A frozen weight gets no gradient and no update; others do.
  func testFrozenParametersStay() {
    let net = Net()
    net.initialize(.kaimingFanOut, seed: 1)
    net.conv.weight.isFrozen = true
    let before = net.conv.weight.value.scalars
    let (_, gradients) = valueAndGradient(of: net) { $0(Tensor([1, 2, 4, 4], filledWith: 1)).square().sum() }
    XCTAssertNil(gradients[net.conv.weight])
    SGD(learningRate: 0.1).update(net, with: gradients)
    XCTAssertEqual(net.conv.weight.value.scalars, before)
    XCTAssertNotEqual(net.conv.bias!.value.scalars, [0, 0, 0])
  }
}
