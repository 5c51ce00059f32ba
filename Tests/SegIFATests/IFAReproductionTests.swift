import Foundation
import SegData
import SegFFNet
import SegIFA
import SegImages
import SegKernels
import SegTraining
import XCTest

final class IFAReproductionTests: XCTestCase {
  private let paper = IFAReproduction()

  private func build(_ name: String, encoder: [String: Tensor]? = nil) throws -> SegmentationArm {
    let arm = try XCTUnwrap(paper.experiment.arms.first { $0.name == name })
    let classes = ClassTable(names: (0..<19).map { "class \($0)" })
    let data = ExperimentData("none", folds: [])
    let setup = RunSetup(
      preset: .quick, data: data, encoder: encoder, folder: URL(fileURLWithPath: NSTemporaryDirectory()))
    return try paper.build(arm, paper.recipe(arm, .quick), classes, setup)
  }

  /// What arms compare must not be how much they compute.
  func testDecodersTakeAsManyOperations() throws {
    func operations(_ name: String) throws -> Double {
      let network = try build(name).predictor
      network.setTraining(false)
      return Double(
        Graph.capture(inputs: [[1, 3, 192, 384]], parameters: network) { [network($0[0])] }.floatingPointOperations)
    }
    let configuration = try XCTUnwrap(FFNetConfiguration(name: "ffnet22S_half_BBB"))
    let backbone = FFNetBackbone(configuration)
    let encoder = Double(
      Graph.capture(inputs: [[1, 3, 192, 384]], parameters: backbone) { backbone($0[0]) }.floatingPointOperations)
    let convolution = try operations("convolution") - encoder, grid = try operations("grid") - encoder
    print("decoders: convolution \(convolution / 1e6), implicit \(grid / 1e6) million operations")
    XCTAssertEqual(convolution / grid, 1, accuracy: 0.1)
    XCTAssertEqual(try operations("random"), try operations("grid"))
  }

  /// Arms of one seed share every initial value that they share by name and shape, and the encoder where one is given.
  func testArmsArePaired() throws {
    let grid = try build("grid").predictor.state.map { ($0.name, $0.parameter) }
    let values = Dictionary(uniqueKeysWithValues: grid)
    for name in ["random", "unaware", "convolution"] {
      var shared = 0
      for (key, parameter) in try build(name).predictor.state {
        guard let other = values[key], other.value.shape == parameter.value.shape else { continue }
        shared += 1
        XCTAssertEqual(parameter.value.scalars, other.value.scalars, "\(name): \(key)")
      }
      XCTAssertGreaterThan(shared, 100, name)
    }
    let encoder = Dictionary(
      uniqueKeysWithValues: values.filter { $0.key.hasPrefix("encoder.") }.map {
        (String($0.key.dropFirst("encoder.".count)), Tensor.ones($0.value.value.shape) * 0.25)
      })
    for arm in paper.experiment.arms {
      let network = try build(arm.name, encoder: encoder).predictor
      let first = try XCTUnwrap(network.state.first { $0.name.hasPrefix("encoder.") })
      XCTAssertEqual(first.parameter.value.scalars.first, 0.25, arm.name)
    }
  }
}
