import Foundation
import SegData
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import SegTraining
import XCTest

/// Answers known beforehand: arm a scores 0.1 · seed + 0.5 above b's, but 0.1 less on odd seeds; cost is higher there.
private final class Oracle: Reproduction, @unchecked Sendable {
  let experiment = Experiment(
    paper: "oracle",
    arms: [Experiment.Arm("a", ["optimization.learningRate": 0.5]), Experiment.Arm("b"), Experiment.Arm("c")],
    contrasts: [
      Experiment.Contrast("score", "a", minus: "b", role: .claim),
      Experiment.Contrast("cost", "a", minus: "b", role: .claim),
      Experiment.Contrast("score", "b", minus: "c", role: .control),
    ])
  /// What was run, in order. Tests run on one thread.
  var log: [String] = []

  func size(_ preset: Experiment.Preset) -> Pair { [32, 32] }

  func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe { arm.recipe(over: .experiment(preset)) }

  static func difference(_ seed: UInt64) -> Double { seed % 2 == 1 ? 0.4 : 0.5 }

  func run(
    _ arm: Experiment.Arm, seed: UInt64, setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void
  ) throws -> RunResult {
    log.append("\(arm.name)\(seed)")
    report("thinking", 1, 1)
    var result = RunResult()
    let score = Double(seed) / 10 + (arm.name == "a" ? Oracle.difference(seed) : 0)
    result.steps = 7
    result.seconds = 2
    result.images = [[score, 1], [score + 0.2, 1], [score - 0.2, 1]]
    result.metrics = [
      RunResult.Metric("score", score, statistic: ImageStatistic(.ratio, columns: 0..<2)),
      RunResult.Metric("cost", 1 + score, higherIsBetter: false),
    ]
    return result
  }
}

private struct NoImages: SegmentationDataset {
  let classes = ClassTable(count: 2)
  let count = 0
  func name(at index: Int) -> String { "" }
  func sample(at index: Int) throws -> SegmentationSample { preconditionFailure("there are none") }
}

final class ExperimentTests: XCTestCase {
  private func setup(_ folder: URL, steps: Int? = nil) -> RunSetup {
    RunSetup(
      preset: .quick, data: ExperimentData("none", folds: [.init(train: NoImages(), test: NoImages())]), steps: steps,
      folder: folder)
  }

  func testVerdicts() {
    typealias Verdict = ExperimentAnswer.Verdict
    XCTAssertEqual(Verdict(0.1...0.2, higherIsBetter: true), .supported)
    XCTAssertEqual(Verdict(-0.2...(-0.1), higherIsBetter: true), .not_supported)
    XCTAssertEqual(Verdict(-0.1...0.2, higherIsBetter: true), .inconclusive)
    XCTAssertEqual(Verdict(0...0.2, higherIsBetter: true), .inconclusive)
    XCTAssertEqual(Verdict(nil, higherIsBetter: true), .inconclusive)
    XCTAssertEqual(Verdict(0.1...0.2, higherIsBetter: false), .not_supported)
    XCTAssertEqual(Verdict(-0.2...(-0.1), higherIsBetter: false), .supported)
    // "No worse than by 0.3".
    XCTAssertEqual(Verdict(-0.2...0.1, higherIsBetter: true, allowing: 0.3), .supported)
    XCTAssertEqual(Verdict(-0.4...0.1, higherIsBetter: true, allowing: 0.3), .inconclusive)
    XCTAssertEqual(Verdict(-0.5...(-0.4), higherIsBetter: true, allowing: 0.3), .not_supported)
    XCTAssertEqual(Verdict(-0.1...0.2, higherIsBetter: false, allowing: 0.3), .supported)
    XCTAssertEqual(Verdict(0.4...0.5, higherIsBetter: false, allowing: 0.3), .not_supported)
  }

  func testSettingsChangeTheRecipe() throws {
    let arm = Experiment.Arm(
      "x",
      [
        "batch": 3, "optimization.learningRate": 0.125, "augment.crop": [64, 96], "augment.flip": false,
        "optimization.kind": "adamw", "own": "anything",
      ])
    var expected = Recipe.experiment(.quick)
    expected.batch = 3
    expected.optimization.learningRate = 0.125
    expected.augment.crop = [64, 96]
    expected.augment.flip = false
    XCTAssertEqual(arm.recipe(over: .experiment(.quick), ownKeys: ["own"]), expected)
    XCTAssertEqual(Recipe.experiment(.quick).problems.filter { !$0.hasPrefix("data") }, [])
    let coded = try JSONDecoder().decode(Experiment.Arm.self, from: JSONEncoder().encode(arm))
    XCTAssertEqual(coded, arm)
  }

  func testSeedsByRole() {
    let experiment = Oracle().experiment
    XCTAssertEqual(experiment.arms.map(experiment.seeds), [8, 8, 4])
  }

  /// Slices add up to the whole, whatever their order, and nothing is run twice.
  func testSlicesMerge() throws {
    let folder = try Fixtures.temporaryFolder(self), paper = Oracle(), runner = ExperimentRunner(paper, setup(folder))
    let first = try runner.run(arms: ["a"], seeds: 2) { _, _, _, _ in }
    XCTAssertEqual(paper.log, ["a1", "a2"])
    XCTAssertEqual(first.answer.arms.map(\.name), ["a"])
    XCTAssertTrue(first.answer.contrasts.isEmpty)
    let second = try runner.run(seeds: 3) { _, _, _, _ in }
    XCTAssertEqual(paper.log, ["a1", "a2", "b1", "c1", "b2", "c2", "a3", "b3", "c3"])
    XCTAssertEqual(second.answer.seeds, 3)
    // Other steps are other runs; the answer is of one kind of runs alone.
    let cut = try ExperimentRunner(paper, setup(folder, steps: 1)).run(arms: ["b"], seeds: 1) { _, _, _, _ in }
    XCTAssertEqual(paper.log.last, "b1")
    XCTAssertEqual(cut.answer.arms.map(\.name), ["b"])
    let again = try runner.run(seeds: 3) { _, _, _, _ in }
    XCTAssertEqual(paper.log.count, 10)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    XCTAssertEqual(try encoder.encode(again), try encoder.encode(second))
  }

  func testAnswer() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let report = try ExperimentRunner(Oracle(), setup(folder)).run { _, _, _, _ in }
    XCTAssertEqual(report.answer.arms.map { $0.metrics[0].values.count }, [8, 8, 4])
    XCTAssertEqual(report.answer.seconds, 40)
    XCTAssertEqual(report.answer.steps, 7)
    // Four differences of 0.4 and four of 0.5: deviation 0.05 · √(8/7), so the half-width is t(7) · 0.05 / √7.
    let contrast = report.answer.contrasts[0], half = 2.3646243 * 0.05 / 7.0.squareRoot()
    XCTAssertEqual(try XCTUnwrap(contrast.mean), 0.45, accuracy: 1e-12)
    let interval = try XCTUnwrap(contrast.ci95)
    XCTAssertEqual(interval[0], 0.45 - half, accuracy: 1e-7)
    XCTAssertEqual(interval[1], 0.45 + half, accuracy: 1e-7)
    XCTAssertEqual(contrast.verdict, .supported)
    XCTAssertEqual(report.answer.contrasts[1].verdict, .not_supported, "less cost would be better")
    XCTAssertEqual(report.answer.contrasts[2].verdict, .inconclusive, "no difference at all")
    XCTAssertEqual(report.answer.contrasts[2].ci95, [0, 0])
    // All images have the same difference, so every draw has it; cost does not follow from images.
    let bootstrap = try XCTUnwrap(report.bootstraps.first)
    XCTAssertEqual(report.bootstraps.map(\.metric), ["score", "score"])
    XCTAssertEqual(try XCTUnwrap(bootstrap.bootstrap.interval?[0]), 0.45, accuracy: 1e-12)
    XCTAssertEqual(try XCTUnwrap(bootstrap.bootstrap.interval?[1]), 0.45, accuracy: 1e-12)

    // The keys are those that the documentation names, no more and no fewer.
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report.answer))
    let object = try XCTUnwrap(json as? [String: Any])
    XCTAssertEqual(
      Set(object.keys), ["paper", "data", "preset", "seeds", "steps", "seconds", "arms", "contrasts"])
    let arm = try XCTUnwrap((object["arms"] as? [[String: Any]])?.first)
    XCTAssertEqual(Set(arm.keys), ["name", "settings", "parameters", "train_gflop_per_image", "infer_ms", "metrics"])
    XCTAssertEqual(arm["settings"] as? [String: Double], ["optimization.learningRate": 0.5])
    let metric = try XCTUnwrap((arm["metrics"] as? [[String: Any]])?.first)
    XCTAssertEqual(Set(metric.keys), ["name", "higher_is_better", "values", "mean", "std"])
    for contrast in try XCTUnwrap(object["contrasts"] as? [[String: Any]]) {
      XCTAssertEqual(Set(contrast.keys), ["metric", "a", "b", "role", "differences", "mean", "ci95", "verdict"])
    }
    let picture = try String(contentsOf: folder.appendingPathComponent("differences.svg"), encoding: .utf8)
    XCTAssertEqual(picture.components(separatedBy: "not supported").count, 2)
    XCTAssertNoThrow(try XMLDocumentCheck(picture))
  }

  /// One seed and case studies have no interval; their keys stay.
  func testWithoutInterval() throws {
    var setup = setup(try Fixtures.temporaryFolder(self))
    let one = try ExperimentRunner(Oracle(), setup).run(seeds: 1) { _, _, _, _ in }
    XCTAssertEqual(one.answer.contrasts.map(\.verdict), [.inconclusive, .inconclusive, .inconclusive])
    let text = String(decoding: try JSONEncoder().encode(one.answer), as: UTF8.self)
    XCTAssertTrue(text.contains("\"ci95\":null") && text.contains("\"std\":null"), text)
    setup.data.isCaseStudy = true
    let study = try ExperimentRunner(Oracle(), setup).run(seeds: 4) { _, _, _, _ in }
    XCTAssertNil(study.answer.contrasts[0].ci95)
    XCTAssertEqual(study.answer.contrasts[0].verdict, .inconclusive)
    XCTAssertTrue(study.notes.contains { $0.contains("case study") })
  }

  /// The page has every contrast with its verdict, every arm, where and when it ran, and is Markdown.
  func testResultsPage() throws {
    let report = try ExperimentRunner(Oracle(), setup(try Fixtures.temporaryFolder(self))).run(seeds: 2) { _, _, _, _ in
    }
    let page = ResultsPage([report, report]).markdown, lines = page.components(separatedBy: "\n")
    XCTAssertEqual(lines.filter { $0 == "## oracle on none" }.count, 2)
    // Differences 0.4 and 0.5: mean 0.45, half-width t(1) · 0.05.
    let row = "| score: a − b | claim | +0.4500 | -0.1853 … +1.0853 | +0.4500 … +0.4500 | inconclusive |"
    XCTAssertTrue(lines.contains(row), page)
    XCTAssertTrue(lines.contains("| cost | 1.6000 ± 0.1414 | 1.1500 ± 0.0707 | 1.1500 ± 0.0707 |"), page)
    XCTAssertTrue(page.contains(Processor.name) && page.contains(report.days[0]), page)
    let tables = lines.filter { $0.hasPrefix("|") }.map { $0.split(separator: "|").count }
    XCTAssertEqual(Set(tables), [4, 6], "six columns of contrasts, four of arms")
  }

  /// The page in the documentation is what the reports beside it say.
  func testResultsPageIsThatOfTheReports() throws {
    let documentation = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Documentation")
    let folder = documentation.appendingPathComponent("results")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }
    XCTAssertFalse(files.isEmpty)
    let reports = try files.sorted().map {
      try JSONDecoder().decode(
        ExperimentRunner.Report.self, from: Data(contentsOf: folder.appendingPathComponent($0)))
    }
    let page = try String(contentsOf: documentation.appendingPathComponent("Results.md"), encoding: .utf8)
    XCTAssertEqual(page, ResultsPage(reports).markdown)
  }

  /// A damaged file of a run is as good as none.
  func testDamagedRunIsRunAgain() throws {
    let folder = try Fixtures.temporaryFolder(self), paper = Oracle()
    _ = try ExperimentRunner(paper, setup(folder)).run(arms: ["c"], seeds: 1) { _, _, _, _ in }
    let runs = folder.appendingPathComponent("runs")
    let file = try XCTUnwrap(FileManager.default.contentsOfDirectory(atPath: runs.path).first)
    try Data("{".utf8).write(to: runs.appendingPathComponent(file))
    _ = try ExperimentRunner(paper, setup(folder)).run(arms: ["c"], seeds: 1) { _, _, _, _ in }
    XCTAssertEqual(paper.log, ["c1", "c1"])
  }

  func testCut() {
    var setup = setup(URL(fileURLWithPath: "/nowhere"))
    XCTAssertEqual(setup.cut(300), 300)
    setup.steps = 30
    XCTAssertEqual(setup.cut(300), 30)
    XCTAssertEqual(setup.cut(20), 20)
    setup.steps = 10_000
    XCTAssertEqual(setup.cut(300), 300)
    setup.data.steps = 600
    XCTAssertEqual(setup.steps(of: .experiment(.quick)), 10_000)
    setup.steps = nil
    XCTAssertEqual(setup.steps(of: .experiment(.quick)), 600)
  }
}

/// Throws unless a text's elements close in the order in which they open.
private struct XMLDocumentCheck {
  struct Unbalanced: Error { let element: String }

  init(_ text: String) throws {
    var open: [String] = []
    for tag in text.split(separator: "<").dropFirst(text.hasPrefix("<") ? 0 : 1) {
      guard let end = tag.firstIndex(of: ">") else { throw Unbalanced(element: String(tag)) }
      let body = tag[..<end]
      if body.hasPrefix("/") {
        guard open.popLast() == String(body.dropFirst()) else { throw Unbalanced(element: String(body)) }
      } else if !body.hasSuffix("/") {
        open.append(String(body.prefix { $0 != " " }))
      }
    }
    if let left = open.last { throw Unbalanced(element: left) }
  }
}
