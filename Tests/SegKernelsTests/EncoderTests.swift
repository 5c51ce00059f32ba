import SegFormats
import SegKernels
import SegTestSupport
import XCTest

/// Dilation, multi-grid and the deep stem; plain ResNets are in ConversionTests and FFNetTests.
final class EncoderTests: XCTestCase {
  /// torchvision's FCN on a ResNet-50 that dilates in its last two stages.
  private final class FCN: Module {
    let backbone = ResNet(.resNet(50, dilated: 2)!)
    let classifier: Sequential, auxiliary: Sequential

    init(classes: Int) {
      func head(_ channels: Int) -> Sequential {
        Sequential([
          ("0", Conv2d(inputChannels: channels, outputChannels: channels / 4, kernel: 3, bias: false)),
          ("1", BatchNorm2d(channels: channels / 4)), ("2", ReLU()),
          ("4", Conv2d(inputChannels: channels / 4, outputChannels: classes, kernel: 1, bias: true)),
        ])
      }
      classifier = head(2048)
      auxiliary = head(1024)
    }

    var parts: [Part] {
      [Part("backbone", backbone), Part("classifier", classifier), Part("aux_classifier", auxiliary)]
    }
  }

  func testDilatedResNetAgainstTorchvision() throws {
    let expected = try Fixtures.archive("reference/torchvision_fcn_resnet50.safetensors")
    for (size, classes) in [(Pair(height: 48, width: 64), 21), (Pair(height: 120, width: 304), 5)] {
      let net = FCN(classes: classes)
      ReferenceRule.fill(net)
      let features = net.backbone(ReferenceRule.tensor("input", [1, 3, size.height, size.width]))
      // Output stride 8.
      XCTAssertEqual(Array(features[3].shape.suffix(2)), [size.height / 8, size.width / 8])
      let name = "\(size.height)x\(size.width)_classes\(classes)"
      let out = try XCTUnwrap(expected["\(name)/out"]).tensor
      assertClose(resize(net.classifier(features[3]), to: size), out, tolerance: 1e-4, name)
      guard let auxiliary = expected["\(name)/aux"]?.tensor else { continue }
      assertClose(resize(net.auxiliary(features[2]), to: size), auxiliary, tolerance: 1e-4, name)
    }
  }

  /// IFA's encoder: deep stem (width 64, max pool that rounds up), dilations 2, 2, 4 in the last stage. Its maps for a
  /// crop of 769 have 193, 97, 49 and 25 rows.
  func testDeepStemAndMultiGrid() {
    let stages = [(3, 64, 1), (4, 128, 2), (6, 256, 2)].map {
      ResNetConfiguration.Stage(depth: $0.0, width: $0.1, stride: $0.2)
    }
    let net = ResNet(
      ResNetConfiguration(
        stem: .deep(width: 64, ceilMode: true), block: .bottleneck,
        stages: stages + [.init(width: 512, stride: 2, dilations: [2, 2, 4])]))
    let names = net.state.map(\.name)
    XCTAssertEqual(
      names.filter { $0.hasSuffix("weight") && !$0.hasPrefix("layer") },
      ["conv1.0.weight", "conv1.1.weight", "conv1.3.weight", "conv1.4.weight", "conv1.6.weight", "bn1.weight"])
    let graph = Graph.capture(inputs: [[1, 3, 769, 769]]) { net($0[0]) }
    let shapes = graph.outputs.map { graph.values[$0].shape }
    XCTAssertEqual(shapes, [[1, 256, 193, 193], [1, 512, 97, 97], [1, 1024, 49, 49], [1, 2048, 25, 25]])
  }

  /// A ceil-mode pool over an even size: PyTorch makes 3 from 4 (kernel 3, stride 2, padding 1) and 2 in floor mode.
  func testCeilMode() {
    let x = Tensor([1, 1, 1, 4], [1, 2, 3, 4])
    XCTAssertEqual(maxPool2d(x, kernel: [1, 3], stride: [1, 2], padding: [0, 1], ceilMode: true).scalars, [2, 4, 4])
    XCTAssertEqual(maxPool2d(x, kernel: [1, 3], stride: [1, 2], padding: [0, 1]).scalars, [2, 4])
  }

  /// One captured graph serves several threads at once.
  func testGraphsAreShared() async {
    let net = ResNet(.resNet(18)!)
    net.initialize(.kaimingFanOut, seed: 1)
    let graph = Graph.capture(inputs: [[1, 3, 64, 64]]) { net($0[0]) }
    let x = ReferenceRule.tensor("input", [1, 3, 64, 64])
    let expected = net(x).map(bits)
    await withTaskGroup(of: [[UInt32]].self) { group in
      for _ in 0..<6 { group.addTask { graph([x]).map(bits) } }
      for await found in group { XCTAssertEqual(found, expected) }
    }
  }
}
