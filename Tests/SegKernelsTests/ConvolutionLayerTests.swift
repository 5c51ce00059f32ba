import SegKernels
import SegOperationTable
import XCTest

/// The layers that benchmarks time are those of the network that they were captured from.
final class ConvolutionLayerTests: XCTestCase {
  private func layers(_ depth: Int, _ shape: Shape) -> (graph: Graph, list: [(layer: ConvolutionLayer, count: Int)]) {
    let net = ResNetClassifier(ResNetConfiguration.resNet(depth)!)
    let graph = Graph.capture(inputs: [shape]) { [net($0[0])] }
    return (graph, ConvolutionLayer.list(of: graph))
  }

  /// ResNet-18 has 20 convolutions, and 1.814 · 10⁹ multiply-adds in them at 224×224 (He et al. 2016, table 1: 1.8 · 10⁹).
  func testEveryConvolutionIsListed() {
    let (_, list) = layers(18, [1, 3, 224, 224])
    XCTAssertEqual(list.reduce(0) { $0 + $1.count }, 20)
    let operations = list.reduce(0) { $0 + $1.count * $1.layer.floatingPointOperations }
    XCTAssertEqual(Double(operations) / 2e9, 1.814, accuracy: 0.001)
    XCTAssertEqual(list[0].layer.label, "7×7 stride 2, 3→64, 224×224")
    XCTAssertEqual(list[1].layer.label, "3×3, 64→64, 56×56")
    XCTAssertEqual(list[1].count, 4)
  }

  /// Layers that differ in their stride alone are two.
  func testLabelsTellLayersApart() {
    let (_, list) = layers(50, [1, 3, 64, 64])
    XCTAssertEqual(Set(list.map(\.layer.label)).count, list.count)
  }

  func testAlgorithms() {
    let (_, list) = layers(18, [1, 3, 64, 64])
    XCTAssertEqual(list[0].layer.algorithms, ["direct"])
    XCTAssertEqual(Set(list[1].layer.algorithms).intersection(["direct", "winograd2", "winograd4"]).count, 3)
    for algorithm in list[1].layer.algorithms {
      XCTAssertGreaterThan(list[1].layer.inference(by: algorithm)(), .zero, algorithm)
    }
    for product in ConvolutionLayer.Product.allCases {
      XCTAssertGreaterThan(list[1].layer.training(product)(), .zero, product.rawValue)
    }
  }
}
