import SegData
import SegFormats
import SegIFA
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

/// Every registered IFA network: shapes, gradients, any resolution.
final class IFANetworkTests: XCTestCase {
  /// Logits at a quarter (an eighth behind a strided first stage), and at any size asked for, compiled and not.
  func testShapesAndCompiledResults() throws {
    for name in IFAConfiguration.names where !name.contains("101") {
      let network = IFANetwork(try XCTUnwrap(IFAConfiguration(name: name, classes: 5)), seed: 1)
      let x = ReferenceRule.tensor("input", [1, 3, 64, 128]), finest = name.contains("_d") ? 8 : 4
      let y = network(x)
      XCTAssertEqual(y.shape, [1, 5, 64 / finest, 128 / finest], name)
      let graph = Graph.capture(inputs: [x.shape], parameters: network) { [network($0[0], at: .grid([48, 100]))] }
      let compiled = Program(graph).makeSession()([x])[0]
      XCTAssertEqual(compiled.shape, [1, 5, 48, 100], name)
      assertClose(compiled, network(x, at: .grid([48, 100])), tolerance: 1e-4, name)
    }
    XCTAssertNil(IFAConfiguration(name: "ifa_resnet20"))
  }

  /// Every weight learns, the auxiliary head included, whichever positions are asked.
  func testEveryWeightHasAGradient() throws {
    for name in IFAConfiguration.names where !name.contains("101") {
      let network = IFANetwork(try XCTUnwrap(IFAConfiguration(name: name, classes: 3)), seed: 1)
      network.setTraining(true)
      var random = RandomSource(seed: 1)
      let batch = Batch(
        images: .normal([2, 3, 64, 64], using: &random),
        labels: Labels([2, 64, 64], (0..<8192).map { Int32($0 / 7 % 3) }), names: ["a", "b"])
      for kind in [Recipe.Queries.Kind.grid, .jittered, .points] {
        var queries = Recipe.Queries()
        queries.kind = kind
        queries.count = 200
        let task = IFATask(network, ignoreIndex: 255, loss: SegmentationLoss(), queries: queries)
        let (loss, gradients) = valueAndGradient(of: network) { _ in task.loss(batch, progress: 0) }
        XCTAssertTrue(loss.scalar.isFinite, "\(name) \(kind)")
        for (key, parameter) in network.state where parameter.isTrainable {
          XCTAssertNotNil(gradients[parameter], "\(name) \(kind) \(key)")
        }
      }
    }
  }
}
