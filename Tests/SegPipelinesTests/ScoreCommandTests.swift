import Foundation
import SegFormats
import SegImages
import SegKernels
import SegMetrics
import SegPipelines
import SegTestSupport
import XCTest

/// `segkernels score`: every metric on files, comparisons, and what is wrong with input.
final class ScoreCommandTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws {
    try CommandRun.requireExecutable()
    folder = try Fixtures.temporaryFolder(self)
  }

  private func write(_ rows: [[Int32]], _ path: String) throws {
    try labels(rows).writeGray8PNG(to: try place(path))
  }

  private func labels(_ rows: [[Int32]]) -> Labels { Labels([rows.count, rows[0].count], rows.flatMap { $0 }) }

  private func place(_ path: String) throws -> URL {
    let url = folder.appendingPathComponent(path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    return url
  }

  private func score<Scores: Codable & Sendable>(_ arguments: String..., as: Scores.Type) throws
    -> Scoring.Result<Scores>
  {
    let run = try CommandRun(["score"] + arguments + ["--json"], in: folder)
    XCTAssertEqual(run.status, 0, run.errors)
    return try JSONDecoder().decode(Scoring.Result<Scores>.self, from: Data(run.output.utf8))
  }

  func testSemantic() throws {
    // Names up to the endings; one pair in a folder below. Worked by hand: see ConfusionMatrixTests.
    try write([[0, 0, 1]], "truth/a_gtFine_labelTrainIds.png")
    try write([[1, 2, 255]], "truth/city/b_gtFine_labelTrainIds.png")
    try write([[9, 9, 9]], "truth/city/b_gtFine_color.png")
    try write([[0, 1, 1]], "one/a_leftImg8bit_labels.png")
    try write([[1, 0, 2]], "one/city/b_labels.png")
    try write([[0, 0, 1]], "two/a.png")
    try write([[1, 2, 2]], "two/city/b.png")
    let found = try score(
      "semantic", "--prediction", "one", "--truth", "truth", "--classes", "4", "--against", "two",
      as: SemanticScores.self)
    XCTAssertEqual(found.images, 2)
    XCTAssertEqual(found.scores.classes.map(\.iou), [1.0 / 3, 2.0 / 3, 0, nil])
    XCTAssertEqual(try XCTUnwrap(found.scores.meanIoU), 1.0 / 3, accuracy: 1e-12)
    XCTAssertEqual(found.scores.absentClasses, ["class 3"])
    XCTAssertEqual(found.against?.meanIoU, 1)
    let comparison = try XCTUnwrap(found.comparisons?.first)
    XCTAssertEqual(comparison.metric, "meanIoU")
    XCTAssertEqual(try XCTUnwrap(comparison.bootstrap.difference), -2.0 / 3, accuracy: 1e-12)
    // Resamples are both images, or one of them twice: −2/3, −1/2 (a: IoU ½, ½), −2/3 (b: 0, 1, 0).
    let interval = try XCTUnwrap(comparison.bootstrap.interval)
    XCTAssertEqual(interval[0], -2.0 / 3, accuracy: 1e-12)
    XCTAssertEqual(interval[1], -1.0 / 2, accuracy: 1e-12)
    XCTAssertEqual(comparison.bootstrap.shareAbove, 0)
    // Without --classes as many as the labels say; two files are a pair whatever their names.
    let single = try score(
      "semantic", "--prediction", "two/a.png", "--truth", "one/a_leftImg8bit_labels.png", as: SemanticScores.self)
    XCTAssertEqual(single.scores.classes.map(\.iou), [0.5, 0.5])
    let table = try CommandRun(
      ["score", "semantic", "--prediction", "one", "--truth", "truth", "--against", "two"], in: folder)
    for word in ["class 0", "33.3", "mIoU", "2 images", "-0.6667 … -0.5000"] {
      XCTAssertTrue(table.output.contains(word), table.output)
    }
  }

  func testBoundary() throws {
    let step = (0..<4).map { _ in (0..<8).map { Int32($0 < 4 ? 0 : 1) } }
    let moved = (0..<4).map { _ in (0..<8).map { Int32($0 < 6 ? 0 : 1) } }
    try write(step, "truth/a.png")
    try write(moved, "one/a.png")
    try write(step, "two/a.png")
    let found = try score(
      "boundary", "--prediction", "one", "--truth", "truth", "--against", "two", as: BoundaryScores.self)
    XCTAssertEqual(found.scores.levels.map(\.meanF), [0, 1, 1, 1, 0, 0, 0, 0])
    XCTAssertEqual(found.against?.levels.map(\.meanFOverImages), Array(repeating: 1, count: 8))
    XCTAssertEqual(found.comparisons?.map(\.bootstrap.difference), [-1, 0, 0, 0, -1, -1, -1, -1])
    XCTAssertEqual(found.against?.boundaryIoU, 1)
    // Columns 4 and 5 are wrong: in the band of one pixel (columns 3, 4) class 0 is half right, class 1 not at all.
    XCTAssertEqual(found.scores.trimap[0].meanIoU, 0.25)
    let table = try CommandRun(["score", "boundary", "--prediction", "one", "--truth", "truth"], in: folder)
    XCTAssertTrue(table.output.contains("boundary IoU"), table.output)
  }

  /// A segmentation of 10 pixels; every pixel is [id, 0, 0].
  private func writePanoptic(_ ids: [UInt8], _ segments: [(id: Int, category: Int)], categories: String, _ name: String)
    throws
  {
    let list = segments.map { "{\"id\": \($0.id), \"category_id\": \($0.category)}" }.joined(separator: ", ")
    try Image(width: ids.count, height: 1, pixels: ids.flatMap { [$0, 0, 0] }).writePNG(to: try place("\(name)/a.png"))
    let json = """
      {\(categories)"annotations": [{"image_id": 3, "file_name": "a.png", "segments_info": [\(list)]}]}
      """
    try Data(json.utf8).write(to: folder.appendingPathComponent(name + ".json"))
  }

  func testPanoptic() throws {
    let categories = """
      "categories": [{"id": 1, "name": "car", "isthing": 1}, {"id": 8, "name": "sky", "isthing": 0}],\u{20}
      """
    try writePanoptic([5, 5, 5, 5, 9, 9, 9, 9, 9, 9], [(5, 1), (9, 8)], categories: categories, "truth")
    try writePanoptic([1, 1, 1, 2, 2, 2, 2, 2, 2, 2], [(1, 1), (2, 8)], categories: "", "one")
    try writePanoptic([7, 7, 7, 7, 9, 9, 9, 9, 9, 9], [(7, 1), (9, 8)], categories: "", "two")
    let found = try score(
      "panoptic", "--prediction", "one.json", "--truth", "truth", "--against", "two", as: PanopticScores.self)
    XCTAssertEqual(try XCTUnwrap(found.scores.things.pq), 3.0 / 4, accuracy: 1e-12)
    XCTAssertEqual(try XCTUnwrap(found.scores.stuff.pq), 6.0 / 7, accuracy: 1e-12)
    XCTAssertEqual(found.against?.all.pq, 1)
    XCTAssertEqual(found.comparisons?.map(\.metric), ["pq", "sq", "rq"])
    XCTAssertEqual(
      try XCTUnwrap(found.comparisons?[0].bootstrap.difference), (3.0 / 4 + 6.0 / 7) / 2 - 1, accuracy: 1e-12)
    let table = try CommandRun(["score", "panoptic", "--prediction", "one", "--truth", "truth.json"], in: folder)
    XCTAssertTrue(table.output.contains("75.0"), table.output)
  }

  /// COCO's example files against themselves.
  func testPanopticOfCOCO() throws {
    let place = try Fixtures.researchData("panoptic/coco/panoptic_examples").path
    let found = try score("panoptic", "--prediction", place, "--truth", place, as: PanopticScores.self)
    XCTAssertEqual([found.scores.all.pq, found.scores.things.pq, found.scores.stuff.pq], [1, 1, 1])
    XCTAssertEqual(found.images, 2)
  }

  func testDepth() throws {
    try Labels([1, 3], [2560, 5120, 0]).writeGray16PNG(to: try place("truth/a.png"))  // 10 m, 20 m, nothing
    try Labels([1, 3], [2560, 2560, 256]).writeGray16PNG(to: try place("one/a.png"))
    try writeWeights(WeightArchive([("x", Tensor([1, 3], [0.2, 0.1, 3]))]), to: try place("two/a.npy"))
    let found = try score("depth", "--prediction", "one", "--truth", "truth", as: DepthScores.self)
    let errors = try XCTUnwrap(found.scores.mean)
    XCTAssertEqual(errors.absoluteRelative, 0.25, accuracy: 1e-12)
    XCTAssertEqual(errors.squaredRelative, 2.5, accuracy: 1e-12)
    XCTAssertEqual(errors.rmse, 50.0.squareRoot(), accuracy: 1e-12)
    XCTAssertEqual(errors.delta1, 0.5)
    // Disparities 0.2 and 0.1 are depths 5 and 10 m, half the truth.
    let scaled = try score(
      "depth", "--prediction", "two", "--truth", "truth", "--kind", "disparity", "--median-scaling",
      as: DepthScores.self)
    XCTAssertEqual(try XCTUnwrap(scaled.scores.mean?.absoluteRelative), 0, accuracy: 1e-7)
    XCTAssertEqual(try XCTUnwrap(scaled.scores.medianFactor), 2, accuracy: 1e-6)
    XCTAssertEqual(scaled.scores.factorSpread, 0)
    let compared = try score(
      "depth", "--prediction", "one", "--truth", "truth", "--against", "truth", as: DepthScores.self)
    let first = try XCTUnwrap(compared.comparisons?.first)
    XCTAssertEqual(first.metric, "absoluteRelative")
    XCTAssertFalse(first.higherIsBetter)
    XCTAssertEqual(try XCTUnwrap(first.bootstrap.difference), 0.25, accuracy: 1e-12)
    let table = try CommandRun(
      ["score", "depth", "--prediction", "one", "--truth", "truth", "--crop", "garg"], in: folder)
    XCTAssertEqual(table.status, 0, table.errors)
    XCTAssertTrue(table.output.contains("1 images without a depth"), table.output)
  }

  func testTemporal() throws {
    // Two videos of one row; in the first, labels move a column to the right and the flow says so.
    for (video, frames) in [
      ("a", [[0, 1, 2, 2], [0, 0, 1, 2], [1, 0, 0, 1]] as [[Int32]]), ("b", [[1, 1, 1, 1], [1, 1, 1, 0]]),
    ] {
      for (index, frame) in frames.enumerated() {
        try write([frame], "one/\(video)/\(index).png")
        try write([frame], "truth/\(video)/\(index).png")
        guard index > 0 else { continue }
        let u: Float = video == "a" ? -1 : 0
        try FlowField(Tensor([2, 1, 4], [u, u, u, u, 0, 0, 0, 0])).writeMiddlebury(
          to: place("flow/\(video)/\(index).flo"))
        try write([[0, 0, 0, video == "b" ? 1 : 0]], "hidden/\(video)/\(index).png")
      }
    }
    let found = try score(
      "temporal", "--prediction", "one", "--truth", "truth", "--flow", "flow", "--occlusion", "hidden",
      as: TemporalScores.self)
    XCTAssertEqual([found.scores.videos, found.scores.frames], [2, 5])
    // Video b: class 1 agrees in 3 of 4 pixels, class 0 in none; without the hidden one all agree.
    XCTAssertEqual(try XCTUnwrap(found.scores.temporalConsistency), (1 + 0.375) / 2, accuracy: 1e-12)
    XCTAssertEqual(found.scores.visibleTemporalConsistency, 1)
    XCTAssertEqual(found.scores.visibleAgreement, 1)
    XCTAssertEqual(try XCTUnwrap(found.scores.labelChangeRate), (2 + 3 + 1) / 12.0, accuracy: 1e-12)
    XCTAssertEqual(found.scores.videoConsistency.map(\.windows), [0, 0])
    let alone = try score("temporal", "--prediction", "one", "--against", "truth", as: TemporalScores.self)
    XCTAssertNil(alone.scores.temporalConsistency)
    XCTAssertEqual(alone.scores.videoConsistency, [])
    XCTAssertEqual(alone.comparisons?.map(\.metric), ["labelChangeRate"])
    XCTAssertEqual(alone.comparisons?[0].bootstrap.interval, [0, 0])
  }

  /// Each kind of wrong input: one line that names what is wrong, and the right exit code.
  func testWrongInput() throws {
    try write([[0, 1]], "truth/a.png")
    try write([[0, 1]], "truth/b.png")
    try write([[0, 1]], "less/a.png")
    for name in ["a", "b"] {
      try write([[0], [1]], "turned/\(name).png")
      try write([[0, 7]], "more/\(name).png")
      try write([[0, 1]], "fine/\(name).png")
    }
    try write([[0, 1]], "twice/a.png")
    try write([[0, 1]], "twice/a_labels.png")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("empty"), withIntermediateDirectories: true)
    try Data("no picture".utf8).write(to: try place("text/a.png"))
    try Data("no picture".utf8).write(to: try place("text/b.png"))
    try Image(width: 2, height: 1).writePNG(to: try place("colour.png"))
    try writeWeights(WeightArchive([("x", Tensor([1, 2], [.nan, 1]))]), to: try place("nan/a.npy"))
    try writeWeights(WeightArchive([("x", Tensor([1, 2], [.nan, 1]))]), to: try place("nan/b.npy"))
    try FlowField(.zeros([2, 3, 3])).writeMiddlebury(to: place("flow/b.flo"))
    let before = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    let semantic = ["semantic", "--truth", "truth", "--prediction"]
    let cases: [(arguments: [String], status: Int32, words: [String])] = [
      (semantic + ["none"], 66, ["none", "found none"]),
      (semantic + ["empty"], 65, ["empty", ".png", "found none"]),
      (semantic + ["less"], 65, ["less", "2 files of the truth", "'b'"]),
      (["semantic", "--truth", "less", "--prediction", "fine"], 65, ["less", "prediction", "'b'"]),
      (semantic + ["truth/a.png"], 65, ["truth/a.png", "one of each"]),
      (semantic + ["turned"], 65, ["turned/a.png", "truth/a.png", "1×2", "2×1"]),
      (semantic + ["more", "--classes", "2"], 65, ["more/a.png", "below 2", "found 7", "column 1"]),
      (semantic + ["fine", "--classes", "1"], 65, ["truth/a.png", "below 1", "found 1"]),
      (semantic + ["fine", "--classes", "0"], 64, ["classes", "found 0"]),
      (semantic + ["fine", "--resamples", "0"], 64, ["resamples", "found 0"]),
      (semantic + ["fine", "--against", "less"], 65, ["less", "'b'"]),
      (semantic + ["fine", "--against", "nowhere"], 66, ["nowhere"]),
      (["semantic", "--truth", "twice", "--prediction", "less"], 65, ["twice", "a_labels.png"]),
      (semantic + ["text"], 65, ["text/a.png", "PNG"]),
      (["semantic", "--truth", "truth/a.png", "--prediction", "colour.png"], 65, ["colour.png", "RGB"]),
      (["boundary", "--truth", "truth", "--prediction", "turned"], 65, ["turned/a.png", "2×1"]),
      (["panoptic", "--truth", "truth", "--prediction", "fine"], 66, ["truth.json"]),
      (["depth", "--truth", "truth", "--prediction", "nan"], 65, ["nan/a.npy", "nan"]),
      (["depth", "--truth", "truth", "--prediction", "fine", "--least", "5", "--most", "2"], 64, ["least"]),
      (["depth", "--truth", "truth", "--prediction", "fine", "--divisor", "0"], 64, ["divisor"]),
      (["depth", "--truth", "truth", "--prediction", "fine", "--crop", "half"], 64, ["half", "garg"]),
      (["temporal", "--prediction", "fine", "--flow", "flow"], 65, ["flow/b.flo", "1×2", "3×3"]),
      (["temporal", "--prediction", "fine", "--occlusion", "flow"], 64, ["flow"]),
      (["temporal", "--prediction", "fine", "--flow", "turned"], 65, ["turned/b.png", "16-bit RGB"]),
      (["temporal", "--prediction", "fine", "--flow", "less"], 66, ["fine/b.png", "flow", "'b'"]),
      (["semantic", "--truth", "truth"], 64, ["prediction"]),
      (["beauty"], 64, ["beauty"]),
    ]
    for entry in cases {
      let run = try CommandRun(["score"] + entry.arguments, in: folder)
      XCTAssertEqual(run.status, entry.status, "\(entry.arguments): \(run.errors)")
      for word in entry.words { XCTAssertTrue(run.errors.contains(word), "\(entry.arguments): \(run.errors)") }
      XCTAssertEqual(run.output, "", "\(entry.arguments)")
      let own = run.errors.split(separator: "\n").filter { $0.hasPrefix("segkernels: ") }
      if entry.status != 64 { XCTAssertEqual(own.count, 1, "\(entry.arguments): \(run.errors)") }
    }
    XCTAssertEqual(try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted(), before)
  }
}
