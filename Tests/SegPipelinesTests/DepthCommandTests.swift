import Foundation
import SegFormats
import SegImages
import SegKernels
import SegMetrics
import SegPipelines
import SegPretrained
import SegTestSupport
import XCTest

/// Depth through the command line: trained for a step, evaluated, predicted.
final class DepthCommandTests: XCTestCase {
  override func setUpWithError() throws { try CommandRun.requireExecutable() }

  private func trained(_ name: String, _ settings: [String], in folder: URL) throws {
    let all = ["augment.crop=[64, 96]", "depth.clips=1", "batch=2", "steps=2", "samplesEvery=0"] + settings
    let train = try CommandRun(
      ["train", "--recipe", "streets-xdistill", "--out", name, "--json"] + all.flatMap { ["--set", $0] }, in: folder)
    XCTAssertEqual(train.status, 0, train.errors)
    XCTAssertTrue(train.output.contains("absoluteRelative"), train.output)
  }

  func testTrainEvaluatePredict() throws {
    let folder = try Fixtures.temporaryFolder(self)
    try trained("run", [], in: folder)
    let weights = ["--weights", "run/weights.safetensors"]
    let evaluate = try CommandRun(
      ["evaluate", "--data", "streets", "--split", "dev", "--median-scaling", "--json"] + weights, in: folder)
    XCTAssertEqual(evaluate.status, 0, evaluate.errors)
    let result = try JSONDecoder().decode(DepthModelEvaluation.self, from: Data(evaluate.output.utf8))
    XCTAssertEqual(result.scores.images, 24)
    XCTAssertTrue(result.scores.rules.scalesByMedian)
    XCTAssertGreaterThan(try XCTUnwrap(result.scores.mean).absoluteRelative, 0)

    let photo = folder.appendingPathComponent("photo.png")
    try seededPicture(width: 131, height: 53).writePNG(to: photo)
    let predict = try CommandRun(["predict", "photo.png"] + weights, in: folder)
    XCTAssertEqual(predict.status, 0, predict.errors)
    let depth = try DepthFile.read(folder.appendingPathComponent("photo_depth.png"))
    XCTAssertEqual(depth.shape, [53, 131])
    XCTAssertTrue(depth.scalars.allSatisfy { $0 > 0.09 && $0 < 100.1 })
    let picture = try Image(contentsOf: folder.appendingPathComponent("photo_depth_color.png"))
    XCTAssertEqual([picture.width, picture.height], [131, 53])
    // What is there is not replaced.
    XCTAssertEqual(try CommandRun(["predict", "photo.png"] + weights, in: folder).status, 70)
  }

  /// The one lidar frame: of no weight as a score, but all of the way that KITTI takes.
  func testLidarFrame() throws {
    let lidar = try Fixtures.researchData("kitti-lidar"), folder = try Fixtures.temporaryFolder(self)
    try trained("run", ["depth.poses=learned", "depth.stereo=true"], in: folder)
    let evaluate = try CommandRun(
      [
        "evaluate", "--data", "kitti-object:\(lidar.path)", "--crop", "garg", "--median-scaling", "--weights",
        "run/weights.safetensors",
      ], in: folder)
    XCTAssertEqual(evaluate.status, 0, evaluate.errors)
    XCTAssertTrue(evaluate.output.contains("mean over 1 images"), evaluate.output)
  }

  /// The lidar frame as every depth model that comes with the program sees it: one frame, so no more than a look. Run by
  /// `scripts/check`, whose log has the figures.
  func testLidarFrameByBundledModels() throws {
    try XCTSkipIf(ProcessInfo.processInfo.environment["SEGKERNELS_SLOW"] == nil, "run by scripts/check")
    let lidar = try Fixtures.researchData("kitti-lidar"), folder = try Fixtures.temporaryFolder(self)
    var seen = 0
    for weights in BundledWeights.models {
      guard (try? DepthEstimator(LoadedModel(nil, weights: .bundled(weights)))) != nil else { continue }
      seen += 1
      for scaling in [[], ["--median-scaling"]] {
        let evaluate = try CommandRun(
          [
            "evaluate", "--data", "kitti-object:\(lidar.path)", "--crop", "garg", "--weights", weights.name, "--json",
          ] + scaling, in: folder)
        XCTAssertEqual(evaluate.status, 0, evaluate.errors)
        let result = try JSONDecoder().decode(DepthModelEvaluation.self, from: Data(evaluate.output.utf8))
        let mean = try XCTUnwrap(result.scores.mean)
        XCTAssertEqual(result.scores.images, 1)
        XCTAssertLessThan(mean.absoluteRelative, 1, "telling nothing but the nearest depth is better")
        print("kitti-lidar, n = 1, \(weights.name) \(scaling): AbsRel \(mean.absoluteRelative), δ₁ \(mean.delta1)")
      }
    }
    XCTAssertGreaterThan(seen, 0)
  }

  /// A folder of the two files that depth networks are published as, the encoder's with a classifier.
  func testPublishedFolder() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let model = try ModelRegistry.build("monodepth2_resnet18_half", seed: 3)
    let values = model.network.state.map { ($0.name, $0.parameter.value) }
    let classifier = [("encoder.fc.weight", Tensor.zeros([10, 256])), ("encoder.fc.bias", Tensor.zeros([10]))]
    for (file, part) in [
      ("encoder.pth", values.filter { $0.0.hasPrefix("encoder.") } + classifier),
      ("depth.pth", values.filter { $0.0.hasPrefix("decoder.") }),
    ] {
      let written = folder.appendingPathComponent("part.safetensors")
      try writeWeights(WeightArchive(part), to: written)
      try FileManager.default.moveItem(at: written, to: folder.appendingPathComponent(file))
    }
    let loaded = try LoadedModel("monodepth2_resnet18_half", weights: .file(folder))
    XCTAssertEqual(loaded.report.unexpected, ["encoder.fc.bias", "encoder.fc.weight"])
    for (found, wanted) in zip(loaded.model.network.state, values) {
      XCTAssertEqual(found.parameter.value.scalars, wanted.1.scalars, wanted.0)
    }
  }

  func testWrongUsage() throws {
    for (arguments, word) in [
      (["predict", "--model", "monodepth2_resnet18", "x.png"], "no weights of"),
      (["train", "--recipe", "streets-xdistill", "--set", "augment.crop=[100, 96]"], "multiples of 32"),
      (["train", "--recipe", "streets-xdistill", "--set", "augment.flip=true"], "augment"),
      (["train", "--recipe", "streets-xdistill", "--set", "data.kind=camvid"], "clips of streets"),
      (["train", "--recipe", "streets-xdistill", "--set", "depth.grouping=/nowhere"], "/nowhere"),
    ] {
      let run = try CommandRun(arguments)
      XCTAssertNotEqual(run.status, 0, "\(arguments)")
      XCTAssertTrue(run.errors.contains(word), "\(arguments): \(run.errors)")
    }
  }
}
