import Foundation
import SegFormats
import SegKernels
import SegTestSupport
import XCTest

/// `segkernels train` in two processes of one machine.
final class DistributedCommandTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws {
    try CommandRun.requireExecutable()
    folder = try Fixtures.temporaryFolder(self)
    try writeTwoSides(into: folder)
  }

  private func start(_ name: String, _ settings: String...) -> [String] {
    let settings =
      [
        "data.kind=folder", "data.root=data", "augment.crop=[64, 64]", "batch=4", "checkpointEvery=4", "steps=12",
        "validateEvery=8", "samplesEvery=0", "optimization.kind=sgd", "optimization.learningRate=0.02",
      ] + settings
    return ["train", "--recipe", "streets-ffnet22S-half", "--out", name] + settings.flatMap { ["--set", $0] }
  }

  private func weights(_ name: String) throws -> [String: Tensor] {
    try readWeights(at: folder.appendingPathComponent("\(name)/weights.safetensors")).tensors
  }

  #if MPI
    /// The processes of mpirun; one thread each, wherever the system puts them.
    private let mpirun = [
      "/usr/bin/env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "SEGKERNELS_THREADS=1", "mpirun",
      "--oversubscribe", "--bind-to", "none", "-n", "2",
    ]

    private func checkpoint(_ name: String, _ step: String) throws -> [String: Tensor] {
      try readWeights(at: folder.appendingPathComponent("\(name)/checkpoint-000000\(step).safetensors")).tensors
    }

    private func losses(_ name: String) throws -> [Double] {
      try String(contentsOf: folder.appendingPathComponent("\(name)/metrics.jsonl"), encoding: .utf8)
        .split(separator: "\n").compactMap {
          (try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])?["loss"] as? Double
        }
    }

    /// A step of two processes has the loss, the gradients and the statistics of a step of one, to rounding. Without
    /// weight decay SGD's first velocity is the gradient.
    func testOneStep() throws {
      let settings = ["steps=1", "checkpointEvery=1", "optimization.weightDecay=0", "augment.crop=[128, 128]"].flatMap {
        ["--set", $0]
      }
      for (name, wrapper) in [("one", []), ("two", mpirun)] {
        let run = try CommandRun(start(name) + settings, in: folder, through: wrapper)
        XCTAssertEqual(run.status, 0, run.errors)
      }
      let (loss, shared) = (try losses("one")[0], try losses("two")[0])
      XCTAssertEqual(shared, loss, accuracy: 1e-6 * loss)
      let one = try checkpoint("one", "01"), two = try checkpoint("two", "01")
      XCTAssertEqual(Set(two.keys), Set(one.keys))
      func largest(_ tensor: Tensor) -> Double { tensor.scalars.reduce(0) { max($0, Double(abs($1))) } }
      let gradients = one.filter { $0.key.hasPrefix("optimizer.") }
      XCTAssertGreaterThan(gradients.count, 50)
      // What is small beside all gradients is mostly rounding itself.
      let floor = 1e-3 * gradients.values.map(largest).max()!
      let differences = gradients.map { name, gradient in
        GradientCheck.Comparison(two[name]!.scalars, gradient.scalars.map(Double.init)).relative(floor: floor)
      }.sorted()
      // A rectifier whose input rounds to the other side of 0 moves a few of them by more than rounding.
      XCTAssertLessThan(differences[differences.count * 3 / 4], 1e-4, "\(differences)")
      XCTAssertLessThan(differences.last!, 0.1, "\(differences)")
      for (name, statistic) in one where name.contains("running_") {
        assertClose(two[name]!, statistic, tolerance: 1e-5, floor: 1e-3, name)
      }
      XCTAssertTrue(
        gradients.contains { bits(two[$0.key]!) != bits($0.value) }, "sums in another order have other bits")
    }

    /// Twelve steps: the losses stay together as far as rounding allows, which two instruction sets do not further; one
    /// line a step, and the files that one process writes.
    func testWholeRun() throws {
      let one = try CommandRun(start("one"), in: folder),
        two = try CommandRun(start("two"), in: folder, through: mpirun)
      XCTAssertEqual(one.status, 0, one.errors)
      XCTAssertEqual(two.status, 0, two.errors)
      XCTAssertTrue(two.output.hasSuffix("two/weights.safetensors\n"), two.output)
      XCTAssertEqual(two.output.split(separator: "\n").count, one.output.split(separator: "\n").count)
      func names(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent(name).path).sorted()
      }
      XCTAssertEqual(try names("two"), try names("one"))
      let (a, b) = (try losses("one"), try losses("two"))
      XCTAssertEqual(b.count, 12)
      for (x, y) in zip(a, b) { XCTAssertEqual(y, x, accuracy: 0.03 * x) }
    }

    /// One of two processes is killed: all end, with a message; resumed, they make the bits of a run that was left alone.
    func testProcessThatDies() throws {
      XCTAssertEqual(try CommandRun(start("whole"), in: folder, through: mpirun).status, 0)
      let process = CommandRun.process(start("broken"), in: folder, through: mpirun)
      let errors = Pipe()
      process.standardOutput = nil
      process.standardError = errors
      try process.run()
      let checkpoint = folder.appendingPathComponent("broken/checkpoint-00000004.safetensors").path
      while process.isRunning, !FileManager.default.fileExists(atPath: checkpoint) { usleep(1000) }
      kill(try XCTUnwrap(child(of: process.processIdentifier, rank: 1)), SIGKILL)
      let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      XCTAssertNotEqual(process.terminationStatus, 0)
      XCTAssertTrue(text.contains("rank 1") && text.contains("signal 9"), text)
      XCTAssertFalse(
        FileManager.default.fileExists(atPath: folder.appendingPathComponent("broken/weights.safetensors").path))
      let resumed = try CommandRun(["train", "--resume", "broken"], in: folder, through: mpirun)
      XCTAssertEqual(resumed.status, 0, resumed.errors)
      let found = try weights("broken")
      for (name, tensor) in try weights("whole") { XCTAssertEqual(bits(found[name]!), bits(tensor), name) }
    }

    /// The process of a rank among the descendants of mpirun.
    private func child(of parent: Int32, rank: Int) throws -> Int32? {
      for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
        guard let number = Int32(name),
          let status = try? String(contentsOfFile: "/proc/\(name)/status", encoding: .utf8),
          status.contains("PPid:\t\(parent)\n"),
          let environment = FileManager.default.contents(atPath: "/proc/\(name)/environ"),
          String(decoding: environment, as: UTF8.self).contains("OMPI_COMM_WORLD_RANK=\(rank)\0")
        else { continue }
        return number
      }
      return nil
    }

    /// What is wrong with recipe or folder is said once, and ends all processes with the status of one.
    func testErrors() throws {
      let odd = try CommandRun(start("run", "batch=3"), in: folder, through: mpirun)
      XCTAssertEqual(odd.status, 64, odd.errors)
      XCTAssertTrue(odd.errors.contains("expected a multiple of the 2 processes, found 3"), odd.errors)
      let missing = try CommandRun(["train", "--resume", "nowhere"], in: folder, through: mpirun)
      XCTAssertEqual(missing.status, 66, missing.errors)
      for run in [odd, missing] {
        XCTAssertEqual(run.errors.split(separator: "\n").filter { $0.hasPrefix("segkernels: ") }.count, 1, run.errors)
      }
    }
  #else
    /// Two processes that cannot find each other do not train twice.
    func testWithoutMPI() throws {
      let found = try CommandRun(start("run"), in: folder, through: ["/usr/bin/env", "OMPI_COMM_WORLD_SIZE=2"])
      XCTAssertEqual(found.status, 64, found.errors)
      XCTAssertTrue(found.errors.contains("--traits MPI,Tools"), found.errors)
    }
  #endif
}
