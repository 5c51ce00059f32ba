import Foundation
import SegFFNet
import SegFiles
import SegFormats
import SegImages
import SegKernels
import SegPipelines
import SegTestSupport
import SegTraining
import XCTest

final class SegmenterTests: XCTestCase {
  private func segmenter(_ name: ModelName = "ffnet18_dAAC") throws -> Segmenter {
    try Segmenter(LoadedModel(name, weights: .fresh(seed: 2)))
  }

  /// Any size of photograph, down to one pixel, gives labels of its size.
  func testAnySize() throws {
    for name: ModelName in ["ffnet18_dAAC", "ffnet40S_BCC_mobile_pre_down", "ffnet46NS_CCC_mobile"] {
      let segment = try segmenter(name)
      for (width, height) in [(1, 1), (1, 200), (64, 64), (65, 63), (97, 31), (128, 256)] {
        let result = segment(seededPicture(width: width, height: height))
        XCTAssertEqual(result.labels.shape, [height, width], "\(name) \(width)×\(height)")
        XCTAssertTrue(result.labels.values.allSatisfy { (0..<19).contains($0) })
      }
    }
  }

  /// Where no padding is needed, the result is the network's output enlarged; nothing shifts.
  func testFullSizeLogitsAreTheNetworksEnlarged() throws {
    let segment = try segmenter()
    let image = seededPicture(width: 192, height: 128)
    let expected = resize(segment.logits(Tensor(image)), to: [128, 192])
    let result = segment(image)
    XCTAssertEqual(bits(result.logits), bits(expected))
    XCTAssertEqual(result.labels.values, argmax(expected).values)
  }

  /// At another size for the network, labels still have the photograph's.
  func testSizeForTheNetwork() throws {
    let result = try segmenter()(seededPicture(width: 100, height: 60), size: [128, 192])
    XCTAssertEqual(result.labels.shape, [60, 100])
  }

  func testProbabilitiesAndEntropy() throws {
    let result = try segmenter()(seededPicture(width: 70, height: 50))
    let sums = result.probabilities.sum(axes: [0])
    XCTAssertTrue(sums.scalars.allSatisfy { abs($0 - 1) < 1e-5 })
    XCTAssertTrue(result.confidence.scalars.allSatisfy { $0 >= 1 / 19 - 1e-6 && $0 <= 1 })
    XCTAssertTrue(result.entropy.scalars.allSatisfy { $0 >= -1e-6 && $0 <= 1 + 1e-5 })
  }

  /// Weights of ours name their model, classes and normalisation; nothing else need be said.
  func testWeightsSpeakForThemselves() throws {
    let url = try Fixtures.temporaryFolder(self).appendingPathComponent("w.safetensors")
    try writeFreshWeights("ffnet18_dAAC", to: url, classes: 5)
    let segment = try Segmenter(weights: .file(url))
    XCTAssertEqual(segment.loaded.model.name, "segmentation_ffnet18_dAAC")
    XCTAssertEqual(segment.classes.count, 5)
    XCTAssertTrue(segment.loaded.report.isExact)
  }

  /// A PyTorch checkpoint as DataParallel saves it: `module.` before every name.
  func testDataParallelCheckpoint() throws {
    let url = try Fixtures.temporaryFolder(self).appendingPathComponent("w.safetensors")
    let network = try ModelRegistry.build("ffnet18_dAAC", seed: 1).network
    try writeWeights(WeightArchive(network.state.map { ("module." + $0.name, $0.parameter.value) }), to: url)
    let segment = try Segmenter("ffnet18_dAAC", weights: .file(url))
    XCTAssertEqual(segment.classes, .cityscapes)
    XCTAssertThrowsError(try Segmenter(weights: .file(url))) { XCTAssertEqual(ExitStatus($0), .usage, "\($0)") }
  }

  func testErrors() throws {
    XCTAssertThrowsError(try Segmenter("ffnet78S_dBB_mobile", weights: .fresh(seed: 0))) {
      XCTAssertTrue("\($0)".contains("ffnet78S_dBBB_mobile"), "\($0)")
      XCTAssertEqual(ExitStatus($0), .usage)
    }
    XCTAssertThrowsError(try Segmenter("resnet18", weights: .fresh(seed: 0))) { XCTAssertEqual(ExitStatus($0), .usage) }
    XCTAssertThrowsError(try Segmenter("ffnet18_dAAC", weights: .file(URL(fileURLWithPath: "none.pth")))) {
      XCTAssertEqual(ExitStatus($0), .noInput)
    }
    let folder = try Fixtures.temporaryFolder(self)
    XCTAssertThrowsError(try Segmenter("ffnet18_dAAC", weights: .file(folder))) {
      XCTAssertEqual(ExitStatus($0), .noInput)
    }
    let wrong = folder.appendingPathComponent("w.safetensors")
    try writeFreshWeights("ffnet40S_dBBB_mobile", to: wrong)
    XCTAssertThrowsError(try Segmenter("ffnet18_dAAC", weights: .file(wrong))) {
      XCTAssertEqual(ExitStatus($0), .data)
      XCTAssertTrue("\($0)".contains("w.safetensors") && "\($0)".contains("backbone_model"), "\($0)")
    }
  }
}

final class ConversionTests: XCTestCase {
  /// torchvision's ResNet-18 becomes the backbone of an FFNet, by name, and trains from there.
  func testResNetBecomesABackbone() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let source = folder.appendingPathComponent("resnet18.npz"),
      target = folder.appendingPathComponent("ffnet.safetensors")
    let resnet = try ModelRegistry.build("resnet18", seed: 3).network
    try writeWeights(WeightArchive(resnet.state.map { ($0.name, $0.parameter.value) }), to: source)
    let conversion = try Conversion(source, model: "ffnet18_dAAC")
    XCTAssertTrue(
      conversion.renamed.contains { $0 == ("layer2.0.conv1.weight", "backbone_model.layer2.0.conv1.weight") })
    XCTAssertTrue(conversion.notes.contains { $0.contains("fc.weight") }, "\(conversion.notes)")
    try conversion.write(to: target, overwrite: false)
    XCTAssertThrowsError(try conversion.write(to: target, overwrite: false))
    let network = FFNet(FFNetConfiguration(name: "ffnet18_dAAC")!, seed: 1)
    let report = try network.load(published: readWeights(at: target).tensors, .backboneOnly)
    XCTAssertEqual(
      report.missing.filter { $0.hasPrefix("backbone_model.") }.count, 6, "only the strided shortcut is fresh")
    let loaded = network.state.first { $0.name == "backbone_model.layer2.0.conv1.weight" }!.parameter.value
    let original = resnet.state.first { $0.name == "layer2.0.conv1.weight" }!.parameter.value
    XCTAssertEqual(bits(loaded), bits(original))
  }

  /// One channel: the kernel's sum, so that a grey image gives what three equal channels gave. Six: repeated and halved.
  func testOtherNumbersOfInputChannels() throws {
    let source = try Fixtures.temporaryFolder(self).appendingPathComponent("w.safetensors")
    try writeFreshWeights("ffnet18_dAAC", to: source)
    var random = RandomSource(seed: 2)
    let gray = Tensor.normal([1, 1, 64, 64], using: &random)
    let original = try ModelRegistry.build("ffnet18_dAAC", seed: 5).network(concatenate([gray, gray, gray], axis: 1))
    for channels in [1, 6] {
      let conversion = try Conversion(source, model: "ffnet18_dAAC", inputChannels: channels)
      XCTAssertTrue(
        conversion.notes.contains { $0.contains(channels == 1 ? "averaged" : "repeated") }, "\(conversion.notes)")
      let model = try ModelRegistry.build("ffnet18_dAAC", inputChannels: channels)
      try model.network.load(conversion.archive.tensors)
      let x = concatenate([Tensor](repeating: gray, count: channels), axis: 1)
      assertClose(model.network(x), original, tolerance: 1e-5, "\(channels) channels")
    }
  }

  /// The torchvision fixtures by their published keys.
  func testTorchvisionResNets() throws {
    let states = try Fixtures.json("resnets/resnets_states.json", as: [String: [String: [Int]]].self)
    for depth in [18, 34, 50, 101, 152] {
      let network = try ModelRegistry.build(ModelName("resnet\(depth)")).network
      let found = Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.parameter.shape.dimensions) })
      XCTAssertEqual(found, try XCTUnwrap(states["resnet\(depth)"]), "resnet\(depth)")
    }
    for (file, size) in [
      ("reference/torchvision_resnets.safetensors", [1, 3, 64, 96]), ("resnets/resnets.safetensors", [1, 3, 64, 64]),
    ] {
      let archive = try Fixtures.archive(file)
      for depth in [18, 34, 50, 101, 152] {
        guard let expected = archive["resnet\(depth)/logits"] ?? archive["resnet\(depth)/logits_64x64"] else {
          continue
        }
        let network = try ModelRegistry.build(ModelName("resnet\(depth)")).network as! ResNetClassifier
        ReferenceRule.fill(network)
        let x = ReferenceRule.tensor("input", Shape(size))
        assertClose(network(x), expected.tensor, tolerance: 1e-4, "resnet\(depth)")
        for (stage, map) in network.encoder(x).enumerated() {
          guard let expected = archive["resnet\(depth)/stage\(stage + 1)"] else { continue }
          assertClose(map, expected.tensor, tolerance: 1e-4, "resnet\(depth) stage \(stage + 1)")
        }
      }
    }
  }
}
