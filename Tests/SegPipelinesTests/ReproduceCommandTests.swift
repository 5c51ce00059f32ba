import Foundation
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// `segkernels reproduce` as a user runs it, cut as short as it goes.
final class ReproduceCommandTests: XCTestCase {
  override func setUpWithError() throws { try CommandRun.requireExecutable() }

  func testSliceOfAnExperiment() throws {
    let folder = try Fixtures.temporaryFolder(self)
    for kind in ["images", "labels"] {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("data/\(kind)"), withIntermediateDirectories: true)
    }
    try "left\nright\n".write(
      to: folder.appendingPathComponent("data/classes.txt"), atomically: true, encoding: .utf8)
    for index in 0..<4 {
      try seededPicture(width: 96, height: 64).writePNG(to: folder.appendingPathComponent("data/images/\(index).png"))
      try Labels([64, 96], (0..<(64 * 96)).map { $0 % 96 < 30 ? 0 : 1 })
        .writeGray8PNG(to: folder.appendingPathComponent("data/labels/\(index).png"))
    }
    let command = [
      "reproduce", "ffnet", "--data", "folder:data", "--seeds", "1", "--steps", "1", "--out", "run", "--json",
    ]
    let first = try CommandRun(command + ["--arms", "basic"], in: folder)
    XCTAssertEqual(first.status, 0, first.errors)
    let whole = try CommandRun(command + ["--arms", "bottleneck"], in: folder)
    XCTAssertEqual(whole.status, 0, whole.errors)
    let object = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(whole.output.utf8)) as? [String: Any])
    XCTAssertEqual(
      Set(object.keys), ["paper", "data", "preset", "seeds", "steps", "seconds", "arms", "contrasts"])
    XCTAssertEqual(object["paper"] as? String, "ffnet")
    XCTAssertEqual(object["steps"] as? Int, 1)
    XCTAssertEqual((object["arms"] as? [[String: Any]])?.map { $0["name"] as? String }, ["basic", "bottleneck"])
    let contrasts = try XCTUnwrap(object["contrasts"] as? [[String: Any]])
    XCTAssertEqual(contrasts[0]["verdict"] as? String, "inconclusive", "one seed")
    XCTAssertEqual((contrasts[0]["differences"] as? [Double])?.count, 1)
    XCTAssertTrue(contrasts[0]["ci95"] is NSNull)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("run").path)
    XCTAssertTrue(Set(files).isSuperset(of: ["experiment.json", "report.json", "differences.svg", "runs"]), "\(files)")

    // The table, of runs that are there already.
    let table = try CommandRun(command.dropLast() + ["--arms", "basic"], in: folder)
    XCTAssertEqual(table.status, 0, table.errors)
    XCTAssertTrue(table.output.contains("mIoU: basic − bottleneck"), table.output)
    let page = try CommandRun(["results", "run/report.json"], in: folder)
    XCTAssertEqual(page.status, 0, page.errors)
    XCTAssertTrue(page.output.contains("| mIoU: basic − bottleneck | claim |"), page.output)
  }

  /// The page of results is of reports alone.
  func testResultsOfWhatIsNoReport() throws {
    let folder = try Fixtures.temporaryFolder(self)
    try Data("{}".utf8).write(to: folder.appendingPathComponent("other.json"))
    let other = try CommandRun(["results", "other.json"], in: folder)
    XCTAssertEqual(other.status, 65, other.errors)
    XCTAssertTrue(other.errors.contains("expected a report.json"), other.errors)
    XCTAssertEqual(try CommandRun(["results", "none.json"], in: folder).status, 66)
  }

  func testWrongUsage() throws {
    for (arguments, word) in [
      (["nonsense"], "ffnet"), (["ffnet", "--arms", "wide"], "bottleneck"), (["ffnet", "--seeds", "0"], "--seeds"),
      (["ffnet", "--steps", "-1"], "--steps"), (["ffnet", "--data", "streets:1"], "--from-scratch"),
      (["ffnet", "--arms", "basic,basic"], "once"),
    ] {
      // "--steps -1" would be an option to the parser.
      let joined = arguments.count == 3 ? [arguments[0], arguments[1] + "=" + arguments[2]] : arguments
      let run = try CommandRun(["reproduce"] + joined)
      XCTAssertEqual(run.status, 64, "\(arguments): \(run.errors)")
      XCTAssertTrue(run.errors.contains(word), "\(arguments): \(run.errors)")
      XCTAssertEqual(run.errors.split(separator: "\n").count, 1, run.errors)
    }
  }
}
