import Foundation
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

/// Things through the command line: trained for a step, evaluated, predicted.
final class PanopticCommandTests: XCTestCase {
  override func setUpWithError() throws { try CommandRun.requireExecutable() }

  func testTrainEvaluatePredict() throws {
    let folder = try Fixtures.temporaryFolder(self)
    // Six streets, in Cityscapes' layout.
    for (split, count) in [("train", 4), ("dev", 2)] {
      let run = try CommandRun(
        ["render", "--split", split, "--stills", "\(count)", "--size", "64x128", "--out", "data", "--force"], in: folder
      )
      XCTAssertEqual(run.status, 0, run.errors)
    }
    let settings = [
      "data.kind=cityscapes", "data.root=data", "data.validation=dev", "augment.crop=[64, 64]", "batch=2", "steps=2",
      "samplesEvery=0",
    ]
    let train = try CommandRun(
      ["train", "--recipe", "streets-pisr", "--out", "run", "--json"] + settings.flatMap { ["--set", $0] }, in: folder)
    XCTAssertEqual(train.status, 0, train.errors)
    let evaluate = try CommandRun(
      ["evaluate", "--weights", "run/weights.safetensors", "--data", "cityscapes:data", "--split", "dev", "--json"],
      in: folder)
    XCTAssertEqual(evaluate.status, 0, evaluate.errors)
    let object = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(evaluate.output.utf8)) as? [String: Any])
    XCTAssertEqual(object["images"] as? Int, 2)
    XCTAssertEqual(object["model"] as? String, "pisr_deeplab_ffnet22S_half")
    let scores = try XCTUnwrap(object["scores"] as? [String: Any])
    XCTAssertEqual((scores["categories"] as? [Any])?.count, 19)
    let photos = try FileManager.default.contentsOfDirectory(
      at: folder.appendingPathComponent("data/leftImg8bit/dev/streets"), includingPropertiesForKeys: nil)
    let predict = try CommandRun(
      ["predict", "--weights", "run/weights.safetensors", "--out", "found"] + photos.map(\.path), in: folder)
    XCTAssertEqual(predict.status, 0, predict.errors)
    let file = try COCOPanopticFile(folder.appendingPathComponent("found/panoptic.json"))
    XCTAssertEqual(file.images.count, photos.count)
    XCTAssertEqual(file.categories.count, 19)
    for image in file.images {
      let found = try file.segmentation(of: image, categories: Set(file.categories.map(\.id)))
      XCTAssertEqual(found.ids.shape, [64, 128])
      // Cityscapes' ids: a category, or a thing's number behind it.
      for segment in found.segments {
        XCTAssertEqual(Int(segment.id) >= 1000 ? Int(segment.id) / 1000 : Int(segment.id), segment.category)
      }
      let overlay = folder.appendingPathComponent(
        "found/\((image.fileName as NSString).deletingPathExtension)_overlay.png")
      XCTAssertEqual(try Image(contentsOf: overlay).width, 128)
    }
    // What is there is not replaced.
    let again = try CommandRun(
      ["predict", "--weights", "run/weights.safetensors", "--out", "found", photos[0].path], in: folder)
    XCTAssertEqual(again.status, 70, again.errors)
  }

  func testWrongUsage() throws {
    for (arguments, word) in [
      (["predict", "--model", "pisr_deeplab_resnet50", "x.png"], "no weights of"),
      (["bench", "--model", "panoptic_deeplab_ffnet22S_half", "--train", "--allow-debug"], "finds things"),
      (["train", "--recipe", "streets-pisr", "--set", "data.kind=camvid", "--set", "data.root=/nowhere"], "/nowhere"),
      (["train", "--recipe", "streets-pisr", "--set", "panoptic.sigma=0"], "panoptic.sigma"),
      (["train", "--recipe", "streets-maskformer", "--set", "panoptic.focal=-1"], "panoptic: expected factors"),
    ] {
      let run = try CommandRun(arguments)
      XCTAssertNotEqual(run.status, 0, "\(arguments)")
      XCTAssertTrue(run.errors.contains(word), "\(arguments): \(run.errors)")
    }
  }
}
