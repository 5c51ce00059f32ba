import SegFFNet
import SegFormats
import SegKernels
import SegTestSupport
import XCTest

/// Every published network against the authors' definitions: names, parameters, keys, outputs.
final class FFNetTests: XCTestCase {
  private struct Published: Decodable {
    let params: Int
    let state: [String: [Int]]?
    let input: [Int]
    let output: [Int]
  }

  private let published = try! Fixtures.json("reference/ffnet_models.json", as: [String: Published].self)

  func testEveryPublishedNameBuildsWithItsParametersAndKeys() throws {
    XCTAssertEqual(Set(FFNetCatalogue.names), Set(published.keys))
    XCTAssertEqual(FFNetCatalogue.names.count, 94)
    for (name, facts) in published {
      let network = FFNet(try XCTUnwrap(FFNetConfiguration(name: name), name), seed: nil)
      XCTAssertEqual(network.parameterCount, facts.params, name)
      if let state = facts.state {
        let found = Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.parameter.shape.dimensions) })
        XCTAssertEqual(found, state, name)
      }
      // The shape rules alone give the published output.
      let graph = Graph.capture(inputs: [Shape(facts.input)]) { [network($0[0])] }
      let output = graph.values[graph.outputs[0]].shape.dimensions
      XCTAssertEqual(facts.output.count == 1 ? Array(output.dropFirst()) : output, facts.output, name)
    }
  }

  /// Half of every width: the specification of the experiments gives 1.07·10⁹ multiply-adds at 192×384.
  func testHalfWidthNetwork() throws {
    let network = FFNet(try XCTUnwrap(FFNetConfiguration(name: FFNetCatalogue.ownNames[0])), seed: nil)
    let state = Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.parameter.shape) })
    XCTAssertEqual(state["backbone_model.conv0.weight"], [16, 3, 3, 3])
    XCTAssertEqual(state["backbone_model.conv1.weight"], [32, 16, 3, 3])
    XCTAssertEqual(state["backbone_model.layer4.1.conv2.weight"], [160, 160, 3, 3])
    XCTAssertEqual(state["head.layers.3.last_layer.0.weight"], [64, 88, 3, 3])
    let graph = Graph.capture(inputs: [[1, 3, 192, 384]]) { [network($0[0])] }
    XCTAssertEqual(graph.values[graph.outputs[0]].shape, [1, 19, 48, 96])
    XCTAssertEqual(Double(graph.floatingPointOperations) / 2e9, 1.07, accuracy: 0.02)
    // Other families have stems of their own.
    for name in ["ffnet18_half_AAA", "ffnet46N_half_CBB", "ffnet22S_half"] {
      XCTAssertNil(FFNetConfiguration(name: name))
    }
  }

  /// max |difference| ≤ 1e-4 × max |reference|, at 1 and 2 threads (equal bits), at every instruction set.
  func testOutputsAgreeWithTheReference() throws {
    let outputs = try Fixtures.archive("reference/ffnet_outputs.safetensors")
    XCTAssertEqual(outputs.entries.count, 15)
    for entry in outputs.entries {
      let (name, expected) = (entry.name, entry.array)
      let network = FFNet(try XCTUnwrap(FFNetConfiguration(name: name)), seed: nil)
      ReferenceRule.fill(network)
      let x = ReferenceRule.tensor("input", name.hasPrefix("segmentation") ? [1, 3, 128, 256] : [1, 3, 256, 256])
      for level in InstructionSet.allCases {
        guard level.isSupported else {
          print("skipped: this processor has no \(level)")
          continue
        }
        level.use {
          let single = Threads.with(1) { network(x) }
          let error = assertClose(single, expected.tensor, tolerance: 1e-4, "\(name) at \(level)")
          print("\(name) at \(level): \(error)")
          XCTAssertEqual(bits(Threads.with(2) { network(x) }), bits(single), "\(name) at \(level): 1 and 2 threads")
        }
      }
    }
  }

  /// A captured network, run operation by operation, makes the module's bits. All 94 of them.
  func testCapturedNetworksHaveEqualBits() throws {
    for name in FFNetCatalogue.names {
      let network = FFNet(try XCTUnwrap(FFNetConfiguration(name: name)), seed: nil)
      // Any weights will do; drawing 3.4 billion normal numbers would take minutes.
      for (_, parameter) in network.state where parameter.role == .weight {
        parameter.value = Tensor(uninitialized: parameter.shape) {
          for i in $0.indices { $0[i] = Float(i % 61 - 29) / 512 }
        }
      }
      let x = ReferenceRule.tensor("input", name.contains("pre_down") ? [1, 3, 128, 160] : [1, 3, 64, 96])
      let graph = Graph.capture(inputs: [x.shape], parameters: network) { [network($0[0])] }
      XCTAssertEqual(bits(graph([x])[0]), bits(network(x)), name)
      let names = Set(graph.values.map(\.name))
      let used = network.state.filter { $0.parameter.role != .counter }.map(\.name)
      XCTAssertTrue(names.isSuperset(of: used), "\(name): every parameter keeps its name")
    }
  }

  /// The files that the authors' table gives for a few names of each kind.
  func testPublishedWeightFiles() {
    let files = [
      "segmentation_ffnet150_AAA": "ffnet150/ffnet150_AAA_cityscapes_state_dict_quarts.pth",
      "segmentation_ffnet150_dAAC_train": "ffnet150/ffnet150_AAX_imagenet_state_dict_quarts.pth",
      "segmentation_ffnet86S_dBBB": "ffnet86S/ffnet86S_dBBB_gpu_cityscapes_state_dict_quarts.pth",
      "segmentation_ffnet86S_dBBB_mobile": "ffnet86S/ffnet86S_dBBB_cityscapes_state_dict_quarts.pth",
      "segmentation_ffnet78S_BCC_mobile_pre_down": "ffnet78S/ffnet78S_BCC_cityscapes_state_dict_quarts.pth",
      "segmentation_ffnet78S_BCC_mobile_pre_down_train": "ffnet78S/ffnet78S_BBX_imagenet_state_dict_quarts.pth",
      "segmentation_ffnet122NS_CBB_mobile_pre_down_train": "ffnet122NS/ffnet122NS_CBX_imagenet_state_dict_quarts.pth",
      "classification_ffnet150S_BBX": "ffnet150S/ffnet150S_BBX_gpu_imagenet_state_dict_quarts.pth",
    ]
    for (name, file) in files { XCTAssertEqual(FFNetCatalogue.weightsFile(for: name), file) }
  }

  func testNamesThatAreNoNetworks() {
    for name in [
      "", "ffnet", "ffnet40S_dBBB_mobil", "ffnet41S_BBB", "ffnet40S_ABB", "classification_ffnet40S_BBB", "resnet50",
      "ffnet40S_BBX",
    ] {
      XCTAssertNil(FFNetConfiguration(name: name), name)
    }
    XCTAssertEqual(
      FFNetConfiguration(name: "ffnet40S_dBBB_mobile"), FFNetConfiguration(name: "segmentation_ffnet40S_dBBB_mobile"))
  }

  // MARK: Loading

  private func network(_ name: String, classes: Int? = nil, seed: UInt64? = nil) -> FFNet {
    FFNet(FFNetConfiguration(name: name, classes: classes)!, seed: seed)
  }

  private func values(_ network: FFNet) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.parameter.value) })
  }

  /// A pre_down checkpoint loads into the plain network and the other way round; the kernel stays the defined one.
  func testPreDownsampledCheckpoints() throws {
    let plain = network("ffnet40S_BBB_mobile", seed: 1), smoothed = network("ffnet40S_BBB_mobile_pre_down", seed: 2)
    let intoPlain = try network("ffnet40S_BBB_mobile").load(published: values(smoothed))
    XCTAssertEqual(intoPlain.unexpected, ["smoothing.weight"])
    let target = network("ffnet40S_BBB_mobile_pre_down")
    let kernel = target.state[0].parameter.value.scalars
    let intoSmoothed = try target.load(published: values(plain))
    XCTAssertEqual(intoSmoothed.missing, ["smoothing.weight"])
    XCTAssertEqual(target.state[0].parameter.value.scalars, kernel)
    XCTAssertEqual(kernel.reduce(0, +), 3, accuracy: 1e-4, "a smoothing kernel a channel, each of sum 1")
  }

  /// Only the backbone of a classifier is taken; the strided shortcut of a `d` network keeps its fresh weights, by name.
  func testBackboneOfAClassifier() throws {
    let classifier = network("classification_ffnet18_AAX", seed: 3)
    let target = network("ffnet18_dAAC", seed: 4)
    let fresh = values(target)
    let report = try target.load(published: values(classifier), .backboneOnly)
    XCTAssertTrue(report.loaded.allSatisfy { $0.hasPrefix("backbone_model.") })
    let shortcut = report.missing.filter { $0.hasPrefix("backbone_model.") }
    XCTAssertEqual(shortcut.count, 6)
    XCTAssertTrue(shortcut.allSatisfy { $0.hasPrefix("backbone_model.layer1.0.downsample.") })
    let now = values(target)
    XCTAssertEqual(
      now["head.layers.1.fam_4.layers.0.weight"]!.scalars, fresh["head.layers.1.fam_4.layers.0.weight"]!.scalars)
    XCTAssertEqual(
      now["backbone_model.layer2.0.conv1.weight"]!.scalars,
      values(classifier)["backbone_model.layer2.0.conv1.weight"]!.scalars)
  }

  /// Another number of classes: everything but the last layer is kept, and the difference is reported by name.
  func testOtherNumberOfClasses() throws {
    let source = network("ffnet18_dAAC", seed: 5), target = network("ffnet18_dAAC", classes: 11, seed: 6)
    XCTAssertThrowsError(try target.load(published: values(source))) {
      XCTAssertTrue("\($0)".contains("head.layers.3.last_layer.3.weight"), "\($0)")
    }
    let report = try target.load(published: values(source), .fineTuning)
    XCTAssertEqual(
      report.mismatched.map(\.name), ["head.layers.3.last_layer.3.weight", "head.layers.3.last_layer.3.bias"])
    XCTAssertTrue(report.missing.isEmpty && report.unexpected.isEmpty)
  }
}
