import Foundation
import SegData
import SegFormats
import SegImages
import SegKernels
import SegPipelines
import SegTestSupport
import XCTest

/// The built `segkernels`, as a user runs it: results, exit codes and single lines of error.
final class CommandLineTests: XCTestCase {
  private func run(_ arguments: String..., in folder: URL? = nil) throws -> CommandRun {
    try CommandRun(arguments, in: folder)
  }

  override func setUpWithError() throws {
    try CommandRun.requireExecutable()
  }

  func testPredictRunAndTheirFiles() throws {
    let folder = try Fixtures.temporaryFolder(self)
    try writeFreshWeights("ffnet18_dAAC", to: folder.appendingPathComponent("w.safetensors"))
    try seededPicture(width: 90, height: 70).writeJPEG(to: folder.appendingPathComponent("photo.jpg"))
    let first = try run("predict", "--weights", "w.safetensors", "--entropy", "--json", "photo.jpg", in: folder)
    XCTAssertEqual(first.status, 0, first.errors)
    let object = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(first.output.utf8)) as? [[String: Any]])
    XCTAssertEqual(object[0]["width"] as? Int, 90)
    XCTAssertEqual(try Labels(contentsOf: folder.appendingPathComponent("photo_labels.png")).shape, [70, 90])
    XCTAssertEqual(try Image(contentsOf: folder.appendingPathComponent("photo_overlay.png")).width, 90)
    XCTAssertEqual(try Labels(contentsOf: folder.appendingPathComponent("photo_entropy.png")).shape, [70, 90])
    let again = try run("predict", "--weights", "w.safetensors", "photo.jpg", in: folder)
    XCTAssertEqual(again.status, 70)
    XCTAssertTrue(again.errors.contains("photo_labels.png") && again.errors.contains("--force"), again.errors)
    XCTAssertEqual(try run("predict", "--weights", "w.safetensors", "--force", "photo.jpg", in: folder).status, 0)

    // Tensors in and out: the logits of the compiled network, the same for any number of threads.
    let x = ReferenceRule.tensor("input", [2, 3, 64, 96])
    try writeWeights(WeightArchive([("x", x)]), to: folder.appendingPathComponent("x.npy"))
    for threads in ["1", "2"] {
      let raw = try run(
        "run", "--model", "ffnet18_dAAC", "--weights", "w.safetensors", "--input", "x.npy", "--output",
        "y\(threads).npy",
        "--threads", threads, in: folder)
      XCTAssertEqual(raw.status, 0, raw.errors)
      let y = try readWeights(at: folder.appendingPathComponent("y\(threads).npy")).entries[0].array.tensor
      let network = try ModelRegistry.build("ffnet18_dAAC", seed: 5).network
      XCTAssertEqual(bits(y), bits(CompiledNetwork(network)(x)))
      assertClose(y, network(x), tolerance: 1e-4, "\(threads) threads")
    }
  }

  func testListingsAndDoctor() throws {
    let models = try run("models", "--json")
    let listing = try JSONDecoder().decode([ModelListing].self, from: Data(models.output.utf8))
    XCTAssertEqual(listing.count, 145)
    // Parameters and multiply-adds of convolutions alone, from the paper's notes.
    let row = try XCTUnwrap(listing.first { $0.name == "segmentation_ffnet40S_dBBB_mobile" })
    XCTAssertEqual(row.parameters, 13_911_283)
    XCTAssertEqual(row.gigaMultiplyAdds, 62.4, accuracy: 0.5)
    XCTAssertEqual(try run("doctor").status, 0)
    XCTAssertTrue(try run("doctor", "--json").output.contains("\"blasCore\""))
    XCTAssertEqual(try run("--version").status, 0)
  }

  /// Nothing but a photograph is needed; weights for research say so, once.
  func testBundledWeights() throws {
    let folder = try Fixtures.temporaryFolder(self)
    for name in ["a.png", "b.png"] {
      try seededPicture(width: 96, height: 64).writePNG(to: folder.appendingPathComponent(name))
    }
    let free = try run("predict", "a.png", in: folder)
    XCTAssertEqual(free.status, 0, free.errors)
    XCTAssertEqual(free.errors, "")
    XCTAssertEqual(try Labels(contentsOf: folder.appendingPathComponent("a_labels.png")).shape, [64, 96])
    let research = try run("predict", "--weights", "camvid", "--force", "a.png", "b.png", in: folder)
    XCTAssertEqual(research.status, 0, research.errors)
    XCTAssertEqual(research.errors.components(separatedBy: "CC BY-NC 4.0").count, 2, research.errors)
    let models = try run("models", "ffnet22S").output
    XCTAssertTrue(models.contains("--weights streets") && models.contains("research use only"), models)
  }

  /// The demonstration's pictures are there and have the streets' size.
  func testDemo() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let demo = try run("demo", "--out", "pictures", in: folder)
    XCTAssertEqual(demo.status, 0, demo.errors)
    for word in ["road", "bicycle", "mIoU", "pictures/sheet.png"] {
      XCTAssertTrue(demo.output.contains(word), demo.output)
    }
    let pictures = folder.appendingPathComponent("pictures")
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: pictures.path).count, 13)
    for name in ["image", "overlay", "errors"] {
      let image = try Image(contentsOf: pictures.appendingPathComponent("street2_\(name).png"))
      XCTAssertEqual([image.height, image.width], [256, 512])
    }
    XCTAssertEqual(try Labels(contentsOf: pictures.appendingPathComponent("street2_labels.png")).shape, [256, 512])
    let sheet = try Image(contentsOf: pictures.appendingPathComponent("sheet.png"))
    XCTAssertGreaterThan(sheet.width, 4 * 512)
  }

  func testInspect() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let result = try run(
      "inspect", "--data", "streets", "--split", "dev", "--limit", "2", "--sheet", "s.png", "--json", in: folder)
    XCTAssertEqual(result.status, 0, result.errors)
    let object = try JSONDecoder().decode(Inspection.self, from: Data(result.output.utf8))
    XCTAssertEqual(object.inspected, 2)
    XCTAssertEqual(object.sizes, ["256×512": 2])
    XCTAssertEqual(object.classes.reduce(0) { $0 + $1.share }, 1, accuracy: 1e-9)
    XCTAssertTrue(FileManager.default.fileExists(atPath: folder.appendingPathComponent("s.png").path))

    let again = try run(
      "inspect", "--data", "streets", "--split", "dev", "--limit", "2", "--sheet", "s.png", in: folder)
    XCTAssertEqual(again.status, 70, again.errors)
    XCTAssertTrue(again.errors.contains("s.png: exists already"), again.errors)
  }

  /// What `render` writes, other verbs read.
  func testRender() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let made = try run(
      "render", "--data", "streets:3:night", "--split", "dev", "--stills", "1", "--clips", "1", "--frames", "3",
      "--every", "2", "--size", "64x128", "--out", "made", "--json", in: folder)
    XCTAssertEqual(made.status, 0, made.errors)
    let object = try JSONDecoder().decode(StreetWriting.self, from: Data(made.output.utf8))
    XCTAssertEqual([object.stills, object.clipFrames], [1, 3])
    let found = try run("inspect", "--data", "cityscapes:made", "--split", "dev", "--json", in: folder)
    XCTAssertEqual(found.status, 0, found.errors)
    let inspection = try JSONDecoder().decode(Inspection.self, from: Data(found.output.utf8))
    XCTAssertEqual(inspection.sizes, ["64×128": 3])
    // The truth against itself along the flow, as anyone's predictions would be scored.
    let truth = folder.appendingPathComponent("truth/streets0")
    try FileManager.default.createDirectory(at: truth, withIntermediateDirectories: true)
    let clip = StreetScenes(split: "dev", size: [64, 128], domains: [.night], seed: 3).clip(at: 0, frames: 3)
    for index in 0..<3 {
      try clip.labels(at: index).writeGray8PNG(to: truth.appendingPathComponent("streets0_000000_00000\(index).png"))
    }
    let score = try run(
      "score", "temporal", "--prediction", "truth", "--flow", "made/flow/dev", "--occlusion", "made/occlusion/dev",
      "--classes", "256", "--json", in: folder)
    XCTAssertEqual(score.status, 0, score.errors)
    let again = try run("render", "--stills", "1", "--out", "made", in: folder)
    XCTAssertEqual(again.status, 70, again.errors)
    let kitti = try run(
      "render", "--clips", "1", "--frames", "2", "--layout", "kitti", "--size", "64x128", "--out", "kitti", in: folder)
    XCTAssertEqual(kitti.status, 0, kitti.errors)
    let drive = try run("inspect", "--data", "kitti-odometry:kitti", "--split", "00", in: folder)
    XCTAssertEqual(drive.status, 0, drive.errors)
  }

  /// Each kind of wrong input: one line that names what is wrong, the right exit code, no file left behind.
  func testWrongInput() throws {
    let folder = try Fixtures.temporaryFolder(self)
    try writeFreshWeights("ffnet18_dAAC", to: folder.appendingPathComponent("w.safetensors"))
    try seededPicture(width: 40, height: 30).writePNG(to: folder.appendingPathComponent("photo.png"))
    let png = try Data(contentsOf: folder.appendingPathComponent("photo.png"))
    try png.prefix(png.count / 2).write(to: folder.appendingPathComponent("cut.png"))
    try Data("no picture".utf8).write(to: folder.appendingPathComponent("text.png"))
    let weights = try Data(contentsOf: folder.appendingPathComponent("w.safetensors"))
    try weights.prefix(100_000).write(to: folder.appendingPathComponent("cut.safetensors"))
    try Data("no weights".utf8).write(to: folder.appendingPathComponent("text.pth"))
    try writeWeights(WeightArchive([("x", Tensor.zeros([3, 4]))]), to: folder.appendingPathComponent("flat.npy"))
    let before = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    let w = ["--weights", "w.safetensors"]
    let cases: [(arguments: [String], status: Int32, words: [String])] = [
      (["predict"] + w + ["none.png"], 66, ["none.png", "No such file"]),
      (["predict"] + w + ["."], 66, ["folder"]),
      (["predict"] + w + ["cut.png"], 65, ["cut.png", "damaged PNG"]),
      (["predict"] + w + ["text.png"], 65, ["text.png", "expected a PNG or JPEG"]),
      (["predict", "--weights", "none.safetensors", "photo.png"], 66, ["none.safetensors"]),
      (["predict", "--weights", ".", "--model", "ffnet18_dAAC", "photo.png"], 66, ["directory"]),
      (["predict", "--weights", "cut.safetensors", "photo.png"], 65, ["cut.safetensors"]),
      (["predict", "--weights", "text.pth", "--model", "ffnet18_dAAC", "photo.png"], 65, ["text.pth", "expected"]),
      (
        ["predict"] + w + ["--model", "ffnet34_dAAC", "photo.png"], 65, ["w.safetensors", "segmentation_ffnet34_dAAC"]
      ),
      (["predict"] + w + ["--model", "ffnet18_dAAQ", "photo.png"], 64, ["ffnet18_dAAQ", "nearest", "ffnet18_dAA"]),
      (["predict", "--model", "ffnet18_dAAC", "photo.png"], 64, ["ffnet18_dAAC", "--weights"]),
      (["evaluate", "--data", "streets:seven"], 64, ["seed", "seven"]),
      (["evaluate", "--data", "streets:7:fog+hail"], 64, ["foreign-sensor", "hail"]),
      (["render", "--data", "camvid", "--stills", "1", "--out", "r"], 64, ["streets", "camvid"]),
      (["render", "--out", "r"], 64, ["single frames or clips"]),
      (["render", "--stills", "1", "--layout", "kitti", "--out", "r"], 64, ["--stills", "sequences"]),
      (["render", "--stills", "1", "--size", "8x8", "--out", "r"], 64, ["16×16"]),
      (["render", "--stills", "1", "--out", "."], 70, ["empty or new folder", "--force"]),
      (["inspect", "--data", "camvid", "--card"], 64, ["streets", "camvid"]),
      (["inspect", "--data", "streets", "--card", "--limit", "1"], 64, ["1"]),
      (["inspect", "--data", "streets", "--limit", "0"], 64, ["--limit", "1", "0"]),
      (["convert", "w.safetensors", "out.npz", "--half"], 70, ["out.npz", "safetensors"]),
      (["demo", "--out", "/proc/nowhere"], 70, ["/proc/nowhere"]),
      (["predict"] + w + ["--out", "/proc/nowhere", "photo.png"], 70, ["/proc/nowhere"]),
      (["predict"] + w + ["--size", "12", "photo.png"], 64, ["12"]),
      (
        ["run", "--model", "ffnet18_dAAC"] + w + ["--input", "flat.npy", "--output", "y.npy"], 65,
        ["flat.npy", "(3, 4)"]
      ),
      (["run", "--model", "ffnet18_dAAC"] + w + ["--input", "none.npy", "--output", "y.npy"], 66, ["none.npy"]),
      (
        ["run", "--model", "ffnet18_dAAC", "--input", "flat.npy", "--output", "y.npy", "--threads", "0"], 64,
        ["threads"]
      ),
      (["evaluate"] + w + ["--data", "camvod"], 64, ["camvod", "camvid"]),
      (["evaluate"] + w + ["--data", "camvid:/nowhere"], 66, ["/nowhere"]),
      (["train", "--recipe", "none.yaml"], 66, ["none.yaml", "camvid-ffnet40S"]),
      (
        ["train", "--recipe", "camvid-ffnet40S", "--set", "optimization.learningRat=1"], 64,
        ["learningRat", "learningRate"]
      ),
      (["train", "--recipe", "camvid-ffnet40S", "--set", "steps=many"], 64, ["steps"]),
      (["train", "--resume", "nowhere"], 66, ["nowhere"]),
      (["convert", "text.pth", "out.safetensors"], 65, ["text.pth"]),
      (["convert", "w.safetensors", "out.bin"], 70, ["out.bin", "bin"]),
      (["convert", "w.safetensors", "out.safetensors", "--prefix", "nothing."], 65, ["nothing."]),
      (["frobnicate"], 64, ["frobnicate"]),
    ]
    for entry in cases {
      let outcome = try CommandRun(entry.arguments, in: folder)
      XCTAssertEqual(outcome.status, entry.status, "\(entry.arguments): \(outcome.errors)")
      for word in entry.words { XCTAssertTrue(outcome.errors.contains(word), "\(entry.arguments): \(outcome.errors)") }
      let own = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("segkernels: ") }
      if entry.status != 64 { XCTAssertEqual(own.count, 1, "\(entry.arguments): \(outcome.errors)") }
    }
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted(), before)
  }
}
