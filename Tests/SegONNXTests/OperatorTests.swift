import Foundation
import SegFormats
import SegKernels
import SegONNX
import SegTestSupport
import XCTest

/// Small models of one operator each, against what ONNX Runtime computes (Tests/Fixtures/onnx/make_onnx.py).
final class OperatorTests: XCTestCase {
  func testEveryOperatorAgreesWithONNXRuntime() throws {
    let arrays = try Fixtures.archive("onnx/models.npz").tensors
    let names = arrays.keys.filter { $0.hasSuffix(".y") }.map { String($0.dropLast(2)) }.sorted()
    XCTAssertGreaterThan(names.count, 105)
    for name in names {
      let network = try ONNXNetwork(contentsOf: Fixtures.url("onnx/\(name).onnx"))
      let x = try XCTUnwrap(arrays[name + ".x"]), y = try XCTUnwrap(arrays[name + ".y"])
      XCTAssertEqual(try network.outputShape(for: x.shape), y.shape, name)
      assertClose(network(x), y, tolerance: 1e-5, name)
      let graph = Graph.capture(inputs: [x.shape]) { [network($0[0])] }
      assertClose(graph([x])[0], y, tolerance: 1e-5, "\(name), captured")
    }
  }

  /// The file ends in ArgMax, and its weights lie beside it.
  func testWeightsInAFileOfTheirOwnAndScoresBeforeClasses() throws {
    let arrays = try Fixtures.archive("onnx/external/model.npz").tensors
    let network = try ONNXNetwork(contentsOf: Fixtures.url("onnx/external/model.onnx"))
    let x = try XCTUnwrap(arrays["x"]), scores = try XCTUnwrap(arrays["y"])
    XCTAssertEqual(try network.outputShape(for: x.shape), scores.shape)
    assertClose(network(x), scores, tolerance: 1e-5)
  }

  func testAnotherSizeThanTheFilesIsRefused() throws {
    let network = try ONNXNetwork(contentsOf: Fixtures.url("onnx/conv.onnx"))
    XCTAssertEqual(network.inputExtents, [1, 4, 6, 8])
    XCTAssertThrowsError(try network.outputShape(for: [1, 4, 6, 9])) { error in
      XCTAssert("\(error)".contains("takes inputs (1, 4, 6, 8), found (1, 4, 6, 9)"), "\(error)")
    }
  }
}
