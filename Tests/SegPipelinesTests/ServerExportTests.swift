import Foundation
import SegData
import SegFormats
import SegImages
import SegKernels
import SegMetrics
import SegPipelines
import SegTestSupport
import XCTest

/// What is written for benchmark servers, read back by the readers of their data sets.
final class ServerExportTests: XCTestCase {
  private func labels(_ classes: Int, seed: UInt64) -> Labels {
    var random = RandomSource(seed: seed)
    return Labels([12, 16], (0..<192).map { _ in Int32.random(in: 0..<Int32(classes), using: &random) })
  }

  private func move(_ file: URL, to target: URL) throws {
    try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    try FileManager.default.moveItem(at: file, to: target)
  }

  func testCityscapes() throws {
    let root = try Fixtures.temporaryFolder(self), labels = labels(19, seed: 1)
    let export = try ServerExport(.cityscapes, classes: .cityscapes, folder: root.appendingPathComponent("out"))
    let file = try export.add(labels, photo: "aachen_000000_000019_leftImg8bit.png")
    try export.finish()
    XCTAssertEqual(file.lastPathComponent, "aachen_000000_000019_labelIds.png")
    // From the data set's documentation: road is 7, bicycle 33.
    let ids = try Labels(contentsOf: file).values
    for (label, id) in zip(labels.values, ids) {
      if label == 0 { XCTAssertEqual(id, 7) }
      if label == 18 { XCTAssertEqual(id, 33) }
    }
    try move(file, to: root.appendingPathComponent("gtFine/val/aachen/aachen_000000_000019_gtFine_labelIds.png"))
    try move(
      try picture(root), to: root.appendingPathComponent("leftImg8bit/val/aachen/aachen_000000_000019_leftImg8bit.png"))
    XCTAssertEqual(try Cityscapes(root: root, split: "val").sample(at: 0).labels, labels)
  }

  func testADE20K() throws {
    let root = try Fixtures.temporaryFolder(self), labels = labels(150, seed: 2)
    let export = try ServerExport(.ade20k, classes: .ade20K, folder: root.appendingPathComponent("out"))
    let file = try export.add(labels, photo: "ADE_val_00000001.jpg")
    XCTAssertEqual(file.lastPathComponent, "ADE_val_00000001.png")
    try move(file, to: root.appendingPathComponent("annotations/validation/ADE_val_00000001.png"))
    try move(try picture(root), to: root.appendingPathComponent("images/validation/ADE_val_00000001.png"))
    XCTAssertEqual(try ADE20K(root: root, split: "val").sample(at: 0).labels, labels)
  }

  func testVOC() throws {
    let root = try Fixtures.temporaryFolder(self), labels = labels(21, seed: 3)
    let file = try ServerExport(.voc, classes: .voc, folder: root).add(labels, photo: "2008_000001.jpg")
    XCTAssertEqual(file.lastPathComponent, "2008_000001.png")
    XCTAssertEqual(try Labels(contentsOf: file), labels)
    // The development kit's colours: aeroplane dark red, tvmonitor (0, 64, 128).
    let picture = try Image(contentsOf: file)
    for (pixel, label) in labels.values.enumerated() where label == 1 || label == 20 {
      XCTAssertEqual(picture[pixel / 16, pixel % 16], label == 1 ? RGB(128, 0, 0) : RGB(0, 64, 128))
    }
  }

  /// Segments by hand: a sky in two parts is one, two cars apart are two, a diagonal neighbour belongs to its car.
  func testPanoptic() throws {
    let sky: Int32 = 10, car: Int32 = 13
    let labels = Labels(
      [3, 5],
      [
        sky, car, 0, 0, car,
        sky, 0, car, 0, car,
        0, 0, 0, 0, sky,
      ])
    let root = try Fixtures.temporaryFolder(self), out = root.appendingPathComponent("out")
    let export = try ServerExport(.cityscapesPanoptic, classes: .cityscapes, folder: out)
    _ = try export.add(labels, photo: "bonn_000001_000019_leftImg8bit.png")
    _ = try export.add(Labels([2, 2], filledWith: 0), photo: "bonn_000002_000019_leftImg8bit.png")
    XCTAssertThrowsError(try export.add(labels, photo: "bonn_000001_000019_leftImg8bit.png"))
    try export.finish()
    let file = try COCOPanopticFile(out.appendingPathComponent("panoptic.json"))
    XCTAssertEqual(file.images.map(\.id), ["bonn_000001_000019", "bonn_000002_000019"])
    XCTAssertEqual(file.images[0].fileName, "bonn_000001_000019_panoptic.png")
    XCTAssertEqual(file.categories, Cityscapes.categories)
    let segmentation = try file.segmentation(of: file.images[0], categories: Set(file.categories.map(\.id)))
    XCTAssertEqual(segmentation.segments.map(\.category), [23, 26, 7, 26])
    XCTAssertEqual(segmentation.ids.values, [1, 2, 3, 3, 4, 1, 3, 2, 3, 4, 3, 3, 3, 3, 1])
    let json = try XCTUnwrap(
      JSONSerialization.jsonObject(with: Data(contentsOf: out.appendingPathComponent("panoptic.json")))
        as? [String: Any])
    let annotation = try XCTUnwrap((json["annotations"] as? [[String: Any]])?.first)
    let segments = try XCTUnwrap(annotation["segments_info"] as? [[String: Any]])
    XCTAssertEqual(segments.map { $0["area"] as? Int }, [3, 2, 8, 2])
    XCTAssertEqual(segments.map { $0["bbox"] as? [Int] }, [[0, 0, 5, 3], [1, 0, 2, 2], [0, 0, 4, 3], [4, 0, 1, 2]])
    XCTAssertThrowsError(try ServerExport(.cityscapesPanoptic, classes: .cityscapes, folder: out)) {
      XCTAssertTrue("\($0)".contains("panoptic.json: exists already"), "\($0)")
    }
  }

  func testCOCOPanoptic() throws {
    let root = try Fixtures.temporaryFolder(self), labels = labels(133, seed: 4)
    let export = try ServerExport(.cocoPanoptic, classes: .cocoPanoptic, folder: root)
    _ = try export.add(labels, photo: "000000000139.jpg")
    try export.finish()
    try move(try picture(root), to: root.appendingPathComponent("photos/000000000139.png"))
    let data = try COCOPanoptic(
      annotations: root.appendingPathComponent("panoptic.json"), images: root.appendingPathComponent("photos"))
    XCTAssertEqual(data.classes, .cocoPanoptic)
    XCTAssertEqual(try data.sample(at: 0).labels, labels)
    let text = try String(contentsOf: root.appendingPathComponent("panoptic.json"), encoding: .utf8)
    XCTAssertTrue(text.contains("\"image_id\":139,"), text)
  }

  /// Numbers, names and things of the published list.
  func testCategoriesAreCOCOs() throws {
    struct Row: Decodable { let id: Int, name: String, isthing: Int }
    let file = try Fixtures.researchData("panoptic/coco/panoptic_coco_categories.json")
    let rows = try JSONDecoder().decode([Row].self, from: Data(contentsOf: file))
    XCTAssertEqual(
      COCOPanoptic.categories, rows.map { PanopticCategory(id: $0.id, name: $0.name, isThing: $0.isthing == 1) })
  }

  func testKITTIDepth() throws {
    let file = try Fixtures.temporaryFolder(self).appendingPathComponent("depth.png")
    let depth = Tensor([2, 4], [1, 79.998, 0, -3, .nan, 1000, 0.0001, 2.001])
    try DepthFile.write(depth, to: file)
    XCTAssertEqual(try Labels(contentsOf: file).values, [256, 20479, 0, 0, 0, 65535, 1, 512])
    XCTAssertEqual(try DepthFile.read(file)[0, 1], 79.998, accuracy: 0.5 / 256)
  }

  func testClassesOfAnotherBenchmark() throws {
    let folder = try Fixtures.temporaryFolder(self)
    XCTAssertThrowsError(try ServerExport(.ade20k, classes: .cityscapes, folder: folder)) {
      XCTAssertEqual(ExitStatus($0), .usage)
      XCTAssertTrue("\($0)".contains("19") && "\($0)".contains("150") && "\($0)".contains("ade20k"), "\($0)")
    }
  }

  /// On the command line, and scored by it.
  func testCommand() throws {
    try CommandRun.requireExecutable()
    let folder = try Fixtures.temporaryFolder(self)
    func run(_ arguments: String...) throws -> CommandRun { try CommandRun(arguments, in: folder) }
    for name in ["bonn_000001_000019_leftImg8bit.png", "bonn_000002_000019_leftImg8bit.png"] {
      try seededPicture(width: 96, height: 64).writePNG(to: folder.appendingPathComponent(name))
    }
    let photos = ["bonn_000001_000019_leftImg8bit.png", "bonn_000002_000019_leftImg8bit.png"]
    for format in ["cityscapes", "cityscapes-panoptic"] {
      let made = try CommandRun(["predict", "--format", format, "--out", format] + photos, in: folder)
      XCTAssertEqual(made.status, 0, made.errors)
      let again = try CommandRun(["predict", "--format", format, "--out", format] + photos, in: folder)
      XCTAssertEqual(again.status, 70, again.errors)
      XCTAssertTrue(again.errors.contains("exists already"), again.errors)
    }
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("cityscapes").path).sorted(),
      ["bonn_000001_000019_labelIds.png", "bonn_000002_000019_labelIds.png"])
    let semantic = try run(
      "score", "semantic", "--prediction", "cityscapes", "--truth", "cityscapes", "--classes", "34")
    XCTAssertEqual(semantic.status, 0, semantic.errors)
    let panoptic = try run(
      "score", "panoptic", "--prediction", "cityscapes-panoptic/panoptic.json", "--truth",
      "cityscapes-panoptic/panoptic", "--json")
    XCTAssertEqual(panoptic.status, 0, panoptic.errors)
    let scores = try JSONDecoder().decode(Scoring.Result<PanopticScores>.self, from: Data(panoptic.output.utf8)).scores
    XCTAssertEqual(scores.all.pq, 1)
    let wrong = try run("predict", "--format", "ade20k", photos[0])
    XCTAssertEqual(wrong.status, 64, wrong.errors)
    XCTAssertEqual(try run("predict", "--format", "cityscapes", "--entropy", photos[0]).status, 64)
    XCTAssertEqual(try run("predict", "--format", "kitti", photos[0]).status, 64)
  }

  private func picture(_ folder: URL) throws -> URL {
    let file = folder.appendingPathComponent("picture.png")
    try seededPicture(width: 16, height: 12).writePNG(to: file, overwrite: true)
    return file
  }
}
