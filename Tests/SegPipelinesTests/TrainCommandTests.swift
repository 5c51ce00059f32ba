import Foundation
import SegFormats
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// `segkernels train` where the world is unkind: killed, a full disk, a folder that cannot be written.
final class TrainCommandTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws {
    try CommandRun.requireExecutable()
    folder = try Fixtures.temporaryFolder(self)
    try writeTwoSides(into: folder)
  }

  private func start(_ name: String, steps: Int) -> [String] {
    let settings = [
      "data.kind=folder", "data.root=data", "augment.crop=[64, 64]", "batch=2", "checkpointEvery=4", "steps=\(steps)",
      "validateEvery=8", "samplesEvery=0",
    ]
    return ["train", "--recipe", "streets-ffnet22S-half", "--out", name] + settings.flatMap { ["--set", $0] }
  }

  private func weights(_ name: String) throws -> Data {
    try Data(contentsOf: folder.appendingPathComponent("\(name)/weights.safetensors"))
  }

  /// A run's folder when it is done, and the bits of a run that was killed again and again.
  func testKilledAndResumed() throws {
    let whole = try CommandRun(start("whole", steps: 24) + ["--json"], in: folder)
    XCTAssertEqual(whole.status, 0, whole.errors)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("whole").path)
      .sorted()
    XCTAssertEqual(
      names,
      [
        "best-meanIoU.safetensors", "checkpoint-00000020.safetensors", "checkpoint-00000024.safetensors", "curves.svg",
        "events.out.tfevents.segkernels", "metrics.jsonl", "recipe.json", "results.json", "samples.png",
        "weights.safetensors",
      ])
    let best = try readWeights(at: folder.appendingPathComponent("whole/best-meanIoU.safetensors"))
    XCTAssertTrue(["8", "16", "24"].contains(best.metadata["step"]), "\(best.metadata)")

    var random = RandomSource(seed: 1), kills = 0
    let checkpoint = folder.appendingPathComponent("broken/checkpoint-00000004.safetensors").path
    for attempt in 0..<12 {
      let arguments = attempt == 0 ? start("broken", steps: 24) : ["train", "--resume", "broken"]
      let process = CommandRun.process(arguments, in: folder)
      process.standardOutput = nil
      process.standardError = nil
      try process.run()
      // The first is killed behind its first checkpoint, the others anywhere.
      while attempt == 0 && process.isRunning && !FileManager.default.fileExists(atPath: checkpoint) { usleep(1000) }
      usleep(UInt32.random(in: 20_000..<400_000, using: &random))
      if process.isRunning {
        kill(process.processIdentifier, SIGKILL)
        kills += 1
      }
      process.waitUntilExit()
    }
    XCTAssertGreaterThan(kills, 2)
    let last = try CommandRun(["train", "--resume", "broken"], in: folder)
    XCTAssertEqual(last.status, 0, last.errors)
    XCTAssertEqual(try weights("broken"), try weights("whole"), "after \(kills) kills")
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("broken").path).sorted(), names)
  }

  /// HS3 in two phases: killed inside the first, between them and inside the second, it makes the bits of a whole run.
  func testTwoPhasesKilledAndResumed() throws {
    func start(_ name: String) -> [String] {
      var arguments = self.start(name, steps: 8)
      arguments[2] = "streets-hs3"
      return arguments + ["supervision.firstSteps=8", "validateEvery=0"].flatMap { ["--set", $0] }
    }
    let whole = try CommandRun(start("whole"), in: folder)
    XCTAssertEqual(whole.status, 0, whole.errors)
    for (attempt, name) in [
      "deep-supervision/checkpoint-00000004.safetensors", "hierarchy.json",
      "checkpoint-00000004.safetensors",
    ].enumerated() {
      let process = CommandRun.process(attempt == 0 ? start("broken") : ["train", "--resume", "broken"], in: folder)
      process.standardOutput = nil
      process.standardError = nil
      try process.run()
      let file = folder.appendingPathComponent("broken/\(name)").path
      while process.isRunning && !FileManager.default.fileExists(atPath: file) { usleep(1000) }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    let last = try CommandRun(["train", "--resume", "broken"], in: folder)
    XCTAssertEqual(last.status, 0, last.errors)
    XCTAssertEqual(try weights("broken"), try weights("whole"))
    let hierarchies = try ["whole", "broken"].map {
      try Data(contentsOf: folder.appendingPathComponent("\($0)/hierarchy.json"))
    }
    XCTAssertEqual(hierarchies[0], hierarchies[1])
    XCTAssertTrue(String(decoding: hierarchies[0], as: UTF8.self).contains("\"left\""), "class names, not numbers")
    // A second run in the same folder is refused, a file written by hand is taken.
    XCTAssertEqual(try CommandRun(start("whole"), in: folder).status, 70)
    let manual = try CommandRun(
      start("manual") + [
        "--set", "supervision.clusters=whole/hierarchy.json", "--set", "model=hs3fuse_ffnet22S_half_BCC",
      ],
      in: folder)
    XCTAssertEqual(manual.status, 0, manual.errors)
    XCTAssertFalse(
      FileManager.default.fileExists(atPath: folder.appendingPathComponent("manual/deep-supervision").path))
    let scored = try CommandRun(
      ["evaluate", "--weights", "manual/weights.safetensors", "--data", "folder:data", "--split", "val", "--json"],
      in: folder)
    XCTAssertEqual(scored.status, 0, scored.errors)
    XCTAssertTrue(scored.output.contains("hs3fuse_ffnet22S_half_BCC_k2-2-2"), scored.output)
  }

  /// Losses that would be left out without a word are refused before anything is written.
  func testLossesWithoutEffectAreRefused() throws {
    for (recipe, loss) in [
      ("streets-pisr", "boundary"), ("streets-pisr", "consistency"), ("streets-hs3", "consistency"),
    ] {
      let run = try CommandRun(
        ["train", "--recipe", recipe, "--set", "loss.\(loss)=1", "--out", "refused"], in: folder)
      XCTAssertEqual(run.status, 64, "\(recipe), \(loss): \(run.errors)")
      XCTAssertTrue(run.errors.contains("loss.\(loss)"), "\(recipe), \(loss): \(run.errors)")
      XCTAssertFalse(FileManager.default.fileExists(atPath: folder.appendingPathComponent("refused").path))
    }
  }

  /// No room for a second checkpoint: one line that says so, the first one as it was, and the same bits once there is.
  func testDiskThatIsFull() throws {
    XCTAssertEqual(try CommandRun(start("whole", steps: 8), in: folder).status, 0)
    let first = folder.appendingPathComponent("run/checkpoint-00000004.safetensors")
    // Stopped by the limit of a file's size at step 8; at step 4 there is none yet.
    XCTAssertEqual(try CommandRun(start("run", steps: 8), in: folder).status, 0)
    for name in ["checkpoint-00000008.safetensors", "weights.safetensors", "best-meanIoU.safetensors"] {
      try FileManager.default.removeItem(at: folder.appendingPathComponent("run/\(name)"))
    }
    let before = try Data(contentsOf: first)
    let limited = ["/bin/sh", "-c", "trap '' XFSZ; ulimit -f 8000; exec \"$0\" \"$@\""]
    let full = try CommandRun(["train", "--resume", "run"], in: folder, through: limited)
    XCTAssertEqual(full.status, 70, full.errors)
    let lines = full.errors.split(separator: "\n").filter { $0.hasPrefix("segkernels: ") }
    XCTAssertEqual(lines.count, 1, full.errors)
    XCTAssertTrue(lines[0].contains("checkpoint-00000008") && lines[0].contains("File too large"), full.errors)
    XCTAssertEqual(try Data(contentsOf: first), before)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("run").path)
    XCTAssertFalse(names.contains { $0.hasSuffix(".tmp") || $0.contains("00000008") }, "\(names)")
    XCTAssertEqual(try CommandRun(["train", "--resume", "run"], in: folder).status, 0)
    XCTAssertEqual(try weights("run"), try weights("whole"))
  }

  /// A folder that cannot be written is found before the first step, new run or resumed.
  func testFolderThatIsReadOnly() throws {
    XCTAssertEqual(try CommandRun(start("run", steps: 4), in: folder).status, 0)
    let run = folder.appendingPathComponent("run")
    // Root may write anywhere: it gives up its rights first.
    var wrapper: [String] = []
    if geteuid() == 0 {
      guard let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].first(where: FileManager.default.isExecutableFile) else {
        throw XCTSkip("root without setpriv can write everywhere")
      }
      wrapper = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]
      guard try CommandRun(["--version"], in: URL(fileURLWithPath: "/tmp"), through: wrapper).status == 0 else {
        throw XCTSkip("the executable's folder is closed to other users")
      }
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
    try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: run.path)
    addTeardownBlock {
      try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: run.path)
    }
    for arguments in [["train", "--resume", "run"], start("run/inner", steps: 4)] {
      let found = try CommandRun(arguments, in: folder, through: wrapper)
      XCTAssertEqual(found.status, 70, found.errors)
      XCTAssertFalse(found.errors.contains("1/4"), "no step was made: \(found.errors)")
      XCTAssertTrue(found.errors.contains("run"), found.errors)
    }
  }
}
