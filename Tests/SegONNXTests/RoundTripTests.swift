import Foundation
import SegFFNet
import SegIFA
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

  /// The implicit decoder's kernel is written out, its places baked or, by whole factors, worked out from the image's
  /// size.
  func testIFA() throws {
    let configuration = try XCTUnwrap(IFAConfiguration(name: IFAConfiguration.names[0], classes: 5))
    let net = IFANetwork(configuration, seed: 4)
    func graph(_ shape: Shape) -> Graph { Graph.capture(inputs: [shape], parameters: net) { [net($0[0])] } }
    var random = RandomSource(seed: 9)
    let x = Tensor.normal([2, 3, 64, 96], using: &random)
    assertClose(try read(graph(x.shape).onnxModel())(x), net(x), tolerance: 1e-5, "of one size")
    let open = try read(graph([1, 3, 64, 64]).onnxModel(openWhereUnlike: graph([5, 3, 96, 128])))
    XCTAssertEqual(try open.outputShape(for: x.shape), net(x).shape)
    assertClose(open(x), net(x), tolerance: 1e-5, "of any size")
  }

  /// Movement, norms, choices and sampling in a small graph.
  func testFurtherOperations() throws {
    var random = RandomSource(seed: 10)
    let grid = Tensor.normal([2, 5, 6, 2], using: &random).tanh(), mask = Tensor.normal([6], using: &random)
    let w = Tensor.normal([4], using: &random), b = Tensor.normal([4], using: &random)
    let places = Labels([3], [2, 0, 2])
    func network(_ x: Tensor) -> Tensor {
      var y = x.padded(top: 1, bottom: 2, left: 0, right: 1, with: .constant(0.5)).padded(
        axis: 3, before: 2, after: 1, with: .reflect)
      y = groupNorm(y.flipped(axis: 2), groups: 2, weight: w, bias: b)
      y = gridSample(y, grid: grid, edge: .border)
      y = layerNorm(y, weight: mask, bias: mask)
      y = select(relu(mask), y, else: y * 2)
      y = indexSelect(y, axis: 2, indices: places) + y.slice(axis: 2, 0..<5, step: 2)
      y =
        resize(y, to: 9, rows: 2..<7, columns: 0..<4)
        + erf(gather(y, axis: 3, indices: Labels([2, 4, 3, 1], Array(repeating: 1, count: 24))).slice(axis: 2, 0..<1))
      return adaptiveAveragePool2d(y, outputSize: 3)
    }
    let x = Tensor.normal([2, 4, 5, 7], using: &random)
    let graph = Graph.capture(inputs: [x.shape]) { [network($0[0])] }
    assertClose(try read(graph.onnxModel())(x), network(x), tolerance: 1e-5)
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
