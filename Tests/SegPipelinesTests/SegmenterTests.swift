import Foundation
import SegData
import SegFFNet
import SegFiles
import SegFormats
import SegImages
import SegKernels
import SegPipelines
import SegPretrained
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

  /// Weights that were only ever asked at their finest level's grid, as the released ones, say so at other sizes.
  func testSizesThatWeightsHaveNotLearntAreNamed() throws {
    let name: ModelName = "ifa_ffnet22S_half_B", released = try LoadedModel(name, weights: .fresh(seed: 2))
    func caution(_ queries: Recipe.Queries.Kind?, _ size: Pair?) throws -> String? {
      var card = released.card
      card.queries = queries
      let archive = WeightArchive(released.model.network, card: card), folder = try Fixtures.temporaryFolder(self)
      let file = folder.appendingPathComponent("weights.safetensors")
      try writeWeights(archive, to: file, overwrite: true)
      return try Segmenter(weights: .file(file)).caution(with: Segmenter.Views(size: size))
    }
    XCTAssertTrue(try XCTUnwrap(caution(.grid, [64, 96])).contains("queries.kind=points"))
    XCTAssertNil(try caution(.points, [64, 96]))
    XCTAssertNil(try caution(.grid, nil))
    XCTAssertNil(try segmenter().caution(with: Segmenter.Views(size: [64, 96])))
    XCTAssertEqual(released.card.queries, .grid)
  }

  /// A window as large as the image, or larger, is the image.
  func testWindowOfTheImageIsPlain() throws {
    for name: ModelName in ["ffnet18_dAAC", "ffnet40S_BCC_mobile_pre_down"] {
      let segment = try segmenter(name), image = seededPicture(width: 150, height: 100)
      var views = Segmenter.Views()
      for window: Pair in [[100, 150], [1000, 1000]] {
        views.window = window
        let found = segment(image, views: views), expected = segment(image)
        XCTAssertEqual(bits(found.logits), bits(expected.logits), "\(name) \(window)")
        XCTAssertEqual(found.labels, expected.labels)
      }
    }
  }

  /// Every window by hand: its own logits, averaged where windows overlap.
  func testWindowsAreAveragedWhereTheyOverlap() throws {
    let segment = try segmenter(), image = seededPicture(width: 256, height: 192), x = Tensor(image)
    var views = Segmenter.Views()
    views.window = [128, 100]
    views.overlap = 0.5
    // 100 columns become 128 of 32 each; windows begin every 64 pixels.
    var sum = [Double](repeating: 0, count: 19 * 48 * 64), visits = [Double](repeating: 0, count: 48 * 64)
    for top in [0, 64] {
      for left in [0, 64, 128] {
        let part = segment.logits(x.slice(axis: 2, top..<(top + 128)).slice(axis: 3, left..<(left + 128)))
        let stride = 128 / part.shape[2], (rows, columns) = (192 / stride, 256 / stride)
        if sum.count != 19 * rows * columns {
          sum = [Double](repeating: 0, count: 19 * rows * columns)
          visits = [Double](repeating: 0, count: rows * columns)
        }
        for y in 0..<part.shape[2] {
          for x in 0..<part.shape[3] {
            let place = (top / stride + y) * columns + left / stride + x
            visits[place] += 1
            for c in 0..<19 { sum[c * rows * columns + place] += Double(part[0, c, y, x]) }
          }
        }
      }
    }
    XCTAssertEqual(Set(visits), [1, 2, 4])
    let mean = sum.indices.map { Float(sum[$0] / visits[$0 % visits.count]) }
    let columns = Int((Double(visits.count) * 256 / 192).squareRoot().rounded())
    let coarse = Tensor([1, 19, visits.count / columns, columns], mean)
    assertClose(segment(image, views: views).logits, resize(coarse, to: [192, 256]), tolerance: 1e-5)
  }

  /// A street, and weights that know streets: fresh weights find all classes alike, which tells nothing of labels.
  private func street(_ size: Pair) throws -> (Segmenter, Image) {
    (try Segmenter(weights: .bundled(.streets)), StreetScenes(split: "test", size: size).frame(at: 0).image)
  }

  /// The mirrored photograph gives the mirrored result, whatever has to be padded.
  func testMirroredImageGivesTheMirroredResult() throws {
    let (segment, image) = try street([70, 97])
    let mirrored = Image(
      width: 97, height: 70,
      pixels: (0..<70).flatMap { row in
        (0..<97).flatMap { column in
          let color = image[row, 96 - column]
          return [color.red, color.green, color.blue]
        }
      })
    for views in [Segmenter.Views.augmented(), .augmented(scales: [1])] {
      let found = segment(mirrored, views: views), expected = segment(image, views: views)
      // The same views in another order: sums are rounded differently.
      assertClose(found.probabilities, expected.probabilities.flipped(axis: 2), tolerance: 1e-4)
      let mirrored = (0..<70).flatMap { row in (0..<97).map { expected.labels[row, 96 - $0] } }
      let differing = zip(found.labels.values, mirrored).count { $0 != $1 }
      XCTAssertLessThan(differing, 5)
    }
    XCTAssertNotEqual(segment(image).labels, segment(image, views: .augmented()).labels)
  }

  /// Probabilities of several scales are averaged at the photograph's size, rows of every band alike.
  func testScalesAreAveraged() throws {
    let (segment, image) = try street([160, 192]), x = Tensor(image, normalization: segment.loaded.card.normalization)
    let probabilities = [[96, 96], [160, 192], [224, 288]].map { size -> Tensor in
      let logits = segment.logits(resize(x, to: Pair(height: size[0], width: size[1])))
      return softmax(resize(logits, to: [160, 192]))
    }
    let expected = (probabilities[0] + probabilities[1] + probabilities[2]) / 3
    var views = Segmenter.Views()
    views.scales = [0.55, 1, 1.45]
    let found = segment(image, views: views)
    assertClose(found.probabilities, expected.reshaped(19, 160, 192), tolerance: 1e-5)
    let likeliest = argmax(expected)
    let differing = zip(found.labels.values, likeliest.values).count { $0 != $1 }
    XCTAssertLessThan(differing, 5)
    XCTAssertEqual(segment(image, views: .init()).labels, segment(image).labels)
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

  /// An experiment asked to run on data that do not suit it is wrong usage, as scripts see by the exit code.
  func testExperimentOnUnsuitableDataIsWrongUsage() {
    XCTAssertEqual(ExitStatus(ReproductionError("auxadapt: expected --data streets")), .usage)
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
