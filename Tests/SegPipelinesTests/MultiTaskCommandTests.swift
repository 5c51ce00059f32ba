import Foundation
import SegImages
import SegInverseForm
import SegKernels
import SegMetrics
import SegPipelines
import SegTestSupport
import XCTest

/// Classes and depth through the command line: trained for some steps, evaluated, predicted.
final class MultiTaskCommandTests: XCTestCase {
  override func setUpWithError() throws { try CommandRun.requireExecutable() }

  /// Four rooms in NYU Depth v2's folders: a wall and a floor, in millimetres.
  private func writeRooms(into folder: URL) throws {
    for part in ["gt_sets", "images", "segmentation", "depth"] {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("nyud/\(part)"), withIntermediateDirectories: true)
    }
    for split in ["train", "val"] {
      try "0\n1\n2\n3\n".write(
        to: folder.appendingPathComponent("nyud/gt_sets/\(split).txt"), atomically: true, encoding: .utf8)
    }
    for index in 0..<4 {
      func file(_ part: String) -> URL { folder.appendingPathComponent("nyud/\(part)/\(index).png") }
      try seededPicture(width: 96, height: 64).writePNG(to: file("images"))
      let rows = (0..<(64 * 96)).map { $0 / 96 }
      try Labels([64, 96], rows.map { $0 < 40 ? 1 : 2 }).writeGray8PNG(to: file("segmentation"))
      try Labels([64, 96], rows.map { $0 == 0 ? 0 : Int32(6000 - 60 * $0) }).writeGray16PNG(to: file("depth"))
    }
  }

  func testTrainEvaluatePredict() throws {
    let folder = try Fixtures.temporaryFolder(self)
    try writeRooms(into: folder)
    let settings = [
      "data.kind=nyud", "data.root=nyud", "data.validation=val", "augment.crop=[64, 96]", "batch=2", "steps=2",
      "samplesEvery=0", "optimization.warmup=0", "loss.classWeights=none",
    ]
    let train = try CommandRun(
      ["train", "--recipe", "streets-multitask", "--out", "run", "--json"] + settings.flatMap { ["--set", $0] },
      in: folder)
    XCTAssertEqual(train.status, 0, train.errors)
    XCTAssertTrue(train.output.contains("absoluteRelative") && train.output.contains("meanIoU"), train.output)
    let weights = ["--weights", "run/weights.safetensors"]
    let evaluate = try CommandRun(
      ["evaluate", "--data", "nyud:nyud", "--most", "10", "--json"] + weights, in: folder)
    XCTAssertEqual(evaluate.status, 0, evaluate.errors)
    let result = try JSONDecoder().decode(MultiTaskEvaluation.self, from: Data(evaluate.output.utf8))
    XCTAssertEqual(result.segmentation.images, 4)
    let depth = try XCTUnwrap(result.depth)
    XCTAssertEqual(depth.images, 4)
    XCTAssertEqual(depth.rules.most, 10)
    let table = try CommandRun(["evaluate", "--data", "nyud:nyud"] + weights, in: folder)
    XCTAssertTrue(table.output.contains("mIoU") && table.output.contains("AbsRel"), table.output)

    try seededPicture(width: 131, height: 53).writePNG(to: folder.appendingPathComponent("photo.png"))
    let predict = try CommandRun(["predict", "photo.png", "--json"] + weights, in: folder)
    XCTAssertEqual(predict.status, 0, predict.errors)
    for suffix in ["labels", "overlay", "depth", "depth_color"] {
      let file = folder.appendingPathComponent("photo_\(suffix).png")
      XCTAssertTrue(FileManager.default.fileExists(atPath: file.path), suffix)
    }
    XCTAssertEqual(try DepthFile.read(folder.appendingPathComponent("photo_depth.png")).shape, [53, 131])
    XCTAssertNotEqual(try CommandRun(["predict", "photo.png", "--tta"] + weights, in: folder).status, 0)
  }

  /// On streets, whose depth is exact, and from the encoder of other weights.
  func testTrainsOnStreets() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let settings = [
      "data.kind=streets", "data.split=few", "data.validation=''", "augment.crop=[64, 128]", "batch=2", "steps=2",
      "loss.classWeights=none", "weights=streets",
    ]
    let train = try CommandRun(
      ["train", "--recipe", "streets-multitask", "--out", "run"] + settings.flatMap { ["--set", $0] }, in: folder)
    XCTAssertEqual(train.status, 0, train.errors)
    let loaded = try LoadedModel(nil, weights: .file(folder.appendingPathComponent("run/weights.safetensors")))
    XCTAssertNotNil(loaded.model.multiTask)
    XCTAssertFalse(loaded.model.network.state.contains { $0.name.hasPrefix("boundary_head.") })
  }

  func testPretrainingOfAKindAndTile() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let run = try CommandRun(
      [
        "pretrain", "inverse-network", "--transform", "homography", "--tile", "224", "--steps", "2", "--batch", "2",
        "--frames", "4", "--out", "inverse.safetensors",
      ], in: folder)
    XCTAssertEqual(run.status, 0, run.errors)
    XCTAssertTrue(run.output.contains("perspective"), run.output)
    let network = try readInverseNetwork(at: folder.appendingPathComponent("inverse.safetensors"))
    XCTAssertEqual(network.side, 224)
    XCTAssertEqual(network.transform, .homography)
  }

  func testWrongUsage() throws {
    for (arguments, word) in [
      (["train", "--recipe", "streets-multitask", "--set", "data.kind=camvid"], "loss.depth"),
      (["train", "--recipe", "streets-inverseform", "--set", "loss.depth=1"], "multitask_"),
      (["pretrain", "inverse-network", "--tile", "100"], "multiple of 16"),
      (["pretrain", "inverse-network", "--transform", "shear"], "shear"),
    ] {
      let run = try CommandRun(arguments)
      XCTAssertNotEqual(run.status, 0, "\(arguments)")
      XCTAssertTrue(run.errors.contains(word), "\(arguments): \(run.errors)")
    }
  }
}
