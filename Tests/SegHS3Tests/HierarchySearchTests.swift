import Foundation
import SegData
import SegFFNet
import SegHS3
import SegImages
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

/// Four bands whose brightness tells their class; bands 1 and 2 look alike.
struct Bands: SegmentationDataset {
  let classes = ClassTable(names: ["sky", "wall", "hedge", "road"])
  let count = 12
  func name(at index: Int) -> String { "bands-\(index)" }
  func sample(at index: Int) -> SegmentationSample {
    var random = RandomSource(seed: UInt64(index))
    let labels = Labels([64, 64], (0..<4096).map { pixel in Int32((pixel / 64 + 3 * index) / 16 % 4) })
    let pixels: [UInt8] = (0..<(3 * 4096)).map { sample in
      UInt8([30, 120, 124, 220][Int(labels.values[sample / 3])] + Int.random(in: -20...20, using: &random))
    }
    return SegmentationSample(
      image: Image(width: 64, height: 64, pixels: pixels), labels: labels, name: name(at: index))
  }
}

/// Right logits from the image's brightness, but at one stage a coin decides between classes 1 and 2.
private final class Corrupted: StageSupervised {
  let parts: [Part] = []
  let segmenter: any UnaryModule = Identity()
  let stageNames = ["stage"]
  let pair: (Int, Int)

  init(_ pair: (Int, Int)) { self.pair = pair }

  func supervised(_ x: Tensor) -> (logits: Tensor, stages: [Tensor]) {
    // Red is the class, green the coin.
    let red = x.slice(axis: 1, 0..<1), green = x.slice(axis: 1, 1..<2)
    func channels(_ order: (Int) -> Int) -> Tensor {
      concatenate((0..<5).map { ((red - Float(order($0))).abs()) * -1 }, axis: 1)
    }
    let right = channels { $0 }
    let swapped = channels { $0 == pair.0 ? pair.1 : $0 == pair.1 ? pair.0 : $0 }
    return (right, [right * green + swapped * (1 - green)])
  }
}

private final class Identity: UnaryModule {
  let parts: [Part] = []
  func callAsFunction(_ x: Tensor) -> Tensor { x }
}

/// Images whose red is the class and whose green is a coin.
private struct Coded: SegmentationDataset {
  let classes = ClassTable(count: 5)
  let count = 3
  func name(at index: Int) -> String { "coded-\(index)" }
  func sample(at index: Int) -> SegmentationSample {
    var random = RandomSource(seed: UInt64(index))
    let labels = Labels([32, 32], (0..<1024).map { _ in Int32.random(in: 0..<5, using: &random) })
    let pixels = labels.values.flatMap { label -> [UInt8] in
      [UInt8(label), Bool.random(using: &random) ? 1 : 0, 0]
    }
    return SegmentationSample(
      image: Image(width: 32, height: 32, pixels: pixels), labels: labels, name: name(at: index))
  }
}

final class HierarchySearchTests: XCTestCase {
  /// Classes whose logits are corrupted into each other at a stage are the first to share a cluster there, and the last
  /// stage knows nothing of it.
  func testCorruptedClassesMergeFirst() throws {
    let raw = ImageNormalization(mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255])
    for pair in [(1, 2), (0, 4), (3, 1)] {
      let confusions = try stageConfusions(Corrupted(pair), on: Coded(), normalization: raw)
      XCTAssertEqual(confusions[1].meanIoU, 1)
      XCTAssertLessThan(confusions[0].meanIoU, 0.8)
      var numbers = Array(0..<5)
      numbers[pair.0] = numbers[pair.1]
      for kind in ClassCuts.Kind.allCases {
        let cuts = ClassCuts(confusions[0], kind)
        XCTAssertEqual(cuts(4), ClassClusters(numbers), "\(kind) \(pair)")
        XCTAssertEqual(cuts.curve[3], 1, "merged, nothing is confused")
        XCTAssertEqual(clusterCount(curve: cuts.curve, final: 1), 4)
      }
    }
  }

  private var recipe: Recipe {
    var recipe = Recipe()
    recipe.model = "segmentation_ffnet22S_half_BCC"
    recipe.data.kind = "bands"
    recipe.augment.crop = [64, 64]
    recipe.batch = 2
    recipe.steps = 9
    recipe.checkpointEvery = 4
    recipe.supervision.kind = .hierarchical
    recipe.supervision.heldOut = 0.25
    return recipe
  }

  private func search(_ folder: URL, _ recipe: Recipe) -> HierarchySearch {
    let card = ModelCard(
      model: recipe.model, classes: Bands().classes, normalization: .imageNet, size: 64, recipe: recipe.hash, terms: "")
    return HierarchySearch(
      FFNet(FFNetConfiguration(name: recipe.model, classes: 4)!, seed: 1), recipe: recipe, dataset: Bands(),
      loss: SegmentationLoss(), card: card, folder: folder)
  }

  /// Broken off inside the first phase, or behind it, a search finds what an unbroken one finds, to the byte.
  func testSearchGoesOnWhereItStood() throws {
    let whole = try Fixtures.temporaryFolder(self), files = FileManager.default
    var phases: Set<String> = []
    let found = try search(whole, recipe).run { phase, _, _ in phases.insert(phase) }
    XCTAssertEqual(phases, ["deep supervision", "counting"])
    XCTAssertEqual(found.stages.map(\.stage), ["f8", "f16", "t8"])
    XCTAssertEqual(found.images, 3)
    XCTAssertEqual(try StageHierarchy(contentsOf: StageHierarchy.file(in: whole)), found)
    let svg = try String(contentsOf: whole.appendingPathComponent("hierarchy.svg"), encoding: .utf8)
    for word in Bands().classes.names + ["f8", "f16", "t8", "polyline"] { XCTAssertTrue(svg.contains(word), word) }

    let training = whole.appendingPathComponent("deep-supervision")
    for last in ["checkpoint-00000008.safetensors", "checkpoint-00000009.safetensors"] {
      let broken = try Fixtures.temporaryFolder(self), inner = broken.appendingPathComponent("deep-supervision")
      try files.createDirectory(at: inner, withIntermediateDirectories: true)
      for name in ["recipe.json", "metrics.jsonl", "events.out.tfevents.segkernels", last] {
        try files.copyItem(at: training.appendingPathComponent(name), to: inner.appendingPathComponent(name))
      }
      var steps = 0
      _ = try search(broken, recipe).run { phase, _, _ in steps += phase == "counting" ? 0 : 1 }
      XCTAssertEqual(steps, last.contains("8") ? 1 : 0)
      for name in ["hierarchy.json", "hierarchy.svg", "deep-supervision/weights.safetensors"] {
        XCTAssertEqual(
          try Data(contentsOf: broken.appendingPathComponent(name)),
          try Data(contentsOf: whole.appendingPathComponent(name)), "\(name) after \(last)")
      }
    }
    // Found once, it is read; another recipe's is refused.
    var isAsked = false
    XCTAssertEqual(try search(whole, recipe).run { _, _, _ in isAsked = true }, found)
    XCTAssertFalse(isAsked)
    var other = recipe
    other.seed = 2
    XCTAssertThrowsError(try search(whole, other).run { _, _, _ in }) {
      XCTAssertTrue("\($0)".contains("another recipe"), "\($0)")
    }
  }

  /// Names go out and come in; what is wrong with a file that somebody wrote is said in one line.
  func testHierarchyFile() throws {
    let folder = try Fixtures.temporaryFolder(self), file = folder.appendingPathComponent("mine.json")
    func clusters(_ text: String) throws -> [ClassClusters] {
      try text.write(to: file, atomically: true, encoding: .utf8)
      return try StageHierarchy(contentsOf: file).clusters(
        of: ["f8"], classes: Bands().classes.names, path: "mine.json")
    }
    let good = #"{"stages": [{"stage": "f8", "clusters": [["road"], ["wall", "hedge"], ["sky"]]}]}"#
    XCTAssertEqual(try clusters(good), [ClassClusters([2, 1, 1, 0])])
    for (from, to, word) in [
      ("wall", "wail", "'wail'"), ("[\"sky\"]", "[\"road\"]", "two places"), (", [\"sky\"]", "", "'sky' is in no"),
      ("f8", "f9", "f9"), ("clusters", "cluster", "expected JSON"), ("}]}", "", "expected JSON"),
    ] {
      XCTAssertThrowsError(try clusters(good.replacingOccurrences(of: from, with: to)), word) {
        XCTAssertTrue("\($0)".contains(word) && !"\($0)".contains("\n"), "\($0)")
      }
    }
    XCTAssertThrowsError(try StageHierarchy(contentsOf: folder.appendingPathComponent("none.json")))
  }
}
