import Foundation
import SegData
import SegFFNet
import SegImages
import SegKernels
import SegTraining
import XCTest

/// Images whose label at each pixel is told by the brightness `reach` pixels further left.
private struct Shifted: SegmentationDataset {
  let classes = ClassTable(names: ["dark", "bright"])
  let count = 2
  let reach: Int
  func name(at index: Int) -> String { "shifted-\(index)" }
  func sample(at index: Int) -> SegmentationSample {
    var random = RandomSource(seed: UInt64(index) + 1)
    let (height, width) = (96, 400)
    let bright = (0..<(height * width)).map { _ in Bool.random(using: &random) }
    let labels = (0..<(height * width)).map { pixel in
      pixel % width >= reach ? (bright[pixel - reach] ? Int32(1) : 0) : 255
    }
    return SegmentationSample(
      image: Image(width: width, height: height, pixels: bright.flatMap { [UInt8](repeating: $0 ? 255 : 0, count: 3) }),
      labels: Labels([height, width], labels), name: name(at: index))
  }
}

/// Logits −b and b, where b is the brightness `reach` pixels further left.
private final class Looker: UnaryModule {
  let reach: Int
  let parts: [Part] = []
  init(reach: Int) { self.reach = reach }
  func callAsFunction(_ x: Tensor) -> Tensor {
    let width = x.shape[3], red = x.slice(axis: 1, 0..<1)
    let moved =
      reach == 0
      ? red : red.slice(axis: 3, 0..<(width - reach)).padded(axis: 3, before: reach, after: 0, with: .constant(0))
    return concatenate([moved * -1, moved], axis: 1)
  }
}

/// One convolution of ones.
private final class Box: UnaryModule {
  let conv: Conv2d
  init(kernel: Int) {
    conv = Conv2d(inputChannels: 3, outputChannels: 2, kernel: Pair(kernel), bias: false)
    conv.weight.value = .ones(conv.weight.shape)
  }
  var parts: [Part] { [Part("conv", conv)] }
  func callAsFunction(_ x: Tensor) -> Tensor { conv(x) }
}

final class FFNetReproductionTests: XCTestCase {
  /// The gradient of a box is the same all over the box: 90 % of its pixels lie within the radius.
  func testReceptiveFieldOfABox() throws {
    XCTAssertLessThan(try XCTUnwrap(radius(Box(kernel: 1))), 1)
    for kernel in [3, 9, 31] {
      let half = kernel / 2
      var distances: [Double] = []
      for y in -half...half { for x in -half...half { distances.append(Double(x * x + y * y).squareRoot()) } }
      distances.sort()
      let expected = distances[Int((0.9 * Double(distances.count)).rounded(.up)) - 1]
      XCTAssertEqual(try XCTUnwrap(radius(Box(kernel: kernel))), expected, accuracy: 1, "kernel \(kernel)")
    }
  }

  private func radius(_ network: any UnaryModule) throws -> Double? {
    try EffectiveReceptiveField(network, on: Shifted(reach: 0), images: 2, seed: 3).radius(holding: 0.9)
  }

  func testMeasuringLeavesTheNetwork() throws {
    let net = FFNet(FFNetConfiguration(name: "ffnet22S_half_BCC", classes: 2)!, seed: 1)
    let before = net.parameters.map(\.value.scalars)
    let field = try EffectiveReceptiveField(
      net, on: Shifted(reach: 0), images: 1, usesBatchStatistics: true, seed: 3)
    XCTAssertEqual(net.parameters.map(\.value.scalars), before)
    XCTAssertGreaterThan(try XCTUnwrap(field.radius(holding: 0.9)), 8)
  }

  /// A network that looks 60 pixels to the left needs a window that reaches as far; one that looks nowhere else needs
  /// none.
  func testWindowCurve() throws {
    func curve(_ reach: Int) throws -> [Double] {
      try WindowCurve(Looker(reach: reach), on: Shifted(reach: reach), images: 2, unscored: []).metrics.map {
        try XCTUnwrap($0.value)
      }
    }
    XCTAssertEqual(try curve(0), [1, 1, 1, 1, 1, 1, 1])
    // A window of 128 shows 64 pixels to each side of the patch's middle: 60 to the left of 20 of its 32 columns.
    let far = try curve(60)
    XCTAssertLessThan(far[0], 0.6)
    XCTAssertLessThan(far[1], 1)
    XCTAssertGreaterThan(far[1], far[0])
    XCTAssertEqual(Array(far[2...]), [1, 1, 1, 1, 1])
  }

  func testArms() throws {
    let paper = FFNetReproduction()
    for arm in paper.experiment.arms {
      for preset in Experiment.Preset.allCases {
        let recipe = paper.recipe(arm, preset), size = paper.size(preset)
        XCTAssertEqual(recipe.problems, ["data.kind: expected a kind of data set, found none"], arm.name)
        XCTAssertEqual(recipe.augment.crop, [size.height, size.width])
      }
      let network = FFNetReproduction.network(arm, classes: 19, seed: 1)
      XCTAssertEqual(network(.zeros([1, 3, 64, 128])).shape, [1, 19, 16, 32], arm.name)
    }
  }
}
