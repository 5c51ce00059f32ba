import Foundation
import SegFFNet
import SegKernels
import SegONNX
import SegTestSupport
import XCTest

/// A network written and read again computes the same.
final class RoundTripTests: XCTestCase {
  private func network() throws -> FFNet {
    let configuration = try XCTUnwrap(FFNetConfiguration(name: "segmentation_ffnet22S_half_BCC"))
    return FFNet(configuration, seed: 5)
  }

  private func read(_ bytes: [UInt8]) throws -> ONNXNetwork {
    let file = try Fixtures.temporaryFolder(self).appendingPathComponent("network.onnx")
    try Data(bytes).write(to: file)
    return try ONNXNetwork(contentsOf: file)
  }

  func testFFNetOfOneSize() throws {
    let net = try network()
    var random = RandomSource(seed: 6)
    let x = Tensor.normal([2, 3, 64, 96], using: &random)
    let graph = Graph.capture(inputs: [x.shape], parameters: net) { [net($0[0])] }
    let again = try read(graph.onnxModel())
    XCTAssertEqual(again.inputExtents, [2, 3, 64, 96])
    XCTAssertEqual(try again.outputShape(for: x.shape), net(x).shape)
    assertClose(again(x), net(x), tolerance: 1e-5)
  }

  func testFFNetOfAnySize() throws {
    let net = try network()
    func graph(_ shape: Shape) -> Graph { Graph.capture(inputs: [shape], parameters: net) { [net($0[0])] } }
    let again = try read(graph([1, 3, 64, 64]).onnxModel(openWhereUnlike: graph([2, 3, 128, 96])))
    XCTAssertEqual(again.inputExtents, [nil, 3, nil, nil])
    var random = RandomSource(seed: 7)
    let x = Tensor.normal([3, 3, 96, 160], using: &random)
    XCTAssertEqual(try again.outputShape(for: x.shape), net(x).shape)
    assertClose(again(x), net(x), tolerance: 1e-5)
  }

  func testWhatFollowsTheSizeIsNotLeftOpen() {
    func graph(_ rows: Int) -> Graph {
      Graph.capture(inputs: [[1, 2, rows, 8]]) { [$0[0] * (1 / Float(rows))] }
    }
    XCTAssertThrowsError(try graph(8).onnxModel(openWhereUnlike: graph(16))) { error in
      XCTAssert("\(error)".contains("depends on the image's size"), "\(error)")
    }
  }

  func testAnOperationWithoutAWordInONNXIsNamed() {
    let graph = Graph.capture(inputs: [[4, 3, 3]]) { [apply(Unwritable(), to: $0[0])] }
    XCTAssertThrowsError(try graph.onnxModel()) { error in
      XCTAssert("\(error)".contains("operation 'unwritable' of shape (4, 3, 3)"), "\(error)")
    }
  }

  private struct Unwritable: TensorOperation {
    let name = "unwritable"
    func outputShapes(_ inputs: [Shape]) -> [Shape] { inputs }
    func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] { inputs }
    func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] { gradients }
  }
}
