import SegDistributed
import SegKernels
import SegTestSupport
import XCTest

/// A chain of 1×1 convolutions, the first used twice.
private final class Chain: UnaryModule {
  let layers = (0..<4).map { _ in Conv2d(inputChannels: 3, outputChannels: 3, kernel: 1, bias: true) }
  let parts: [Part]
  init() {
    parts = [Part("layers", layers)]
    initialize(.kaimingFanOut, seed: 2)
  }
  func callAsFunction(_ x: Tensor) -> Tensor { (layers + [layers[0]]).reduce(x) { $1($0).tanh() } }
}

final class GradientExchangeTests: XCTestCase {
  private let x = Tensor([2, 3, 2, 2], (0..<24).map { Float($0 % 7) / 7 - 0.4 })

  /// Gradients are told once, when nothing is added any more, from the last layer to the first.
  func testGradientsAreToldWhenFinal() {
    let net = Chain()
    var told: [(ObjectIdentifier, Tensor)] = []
    let (_, gradients) = valueAndGradient(of: net, whenFinal: { told.append((ObjectIdentifier($0), $1)) }) {
      ($0(x) * $0(x)).sum()
    }
    XCTAssertEqual(told.count, 8)
    XCTAssertEqual(gradients.count, 8)
    for parameter in net.parameters {
      let found = told.filter { $0.0 == ObjectIdentifier(parameter) }
      XCTAssertEqual(found.map { bits($0.1) }, [bits(gradients[parameter]!)])
    }
    // The first layer is read first, so its gradients are the last to be final.
    XCTAssertEqual(Set(told.suffix(2).map(\.0)), Set(net.layers[0].parameters.map { ObjectIdentifier($0) }))
    XCTAssertEqual(Set(told.prefix(2).map(\.0)), Set(net.layers[3].parameters.map { ObjectIdentifier($0) }))
  }

  /// What two processes exchange is the sum of their gradients, in buckets of any size, most of them sent before the
  /// backward pass has ended.
  func testSums() throws {
    func loss(_ net: Chain, _ samples: Range<Int>) -> Tensor { (net(x.slice(axis: 0, samples)) * 3).sum() }
    let net = Chain(), expected = valueAndGradient(of: net) { loss($0, 0..<2) }.gradients
    for (bytes, early) in [(1, 8), (40, 4), (1 << 20, 0)] {
      let found = try ThreadGroup.run(2) { group in
        let own = Chain(), exchange = GradientExchange(group, bucketBytes: bytes)
        _ = valueAndGradient(of: own, whenFinal: exchange.add) { loss($0, group.rank..<(group.rank + 1)) }
        XCTAssertEqual(exchange.bucketsSentEarly, early, "\(bytes)")
        let sums = exchange.finish()
        XCTAssertEqual(exchange.bytes, 4 * net.parameterCount)
        XCTAssertEqual(sums.count, 8)
        return own.parameters.map { sums[$0]! }
      }
      for (index, parameter) in net.parameters.enumerated() {
        assertClose(found[0][index], expected[parameter]!, tolerance: 1e-5)
        XCTAssertEqual(bits(found[0][index]), bits(found[1][index]))
      }
    }
  }
}
