import Foundation
import XCTest

/// One run of the built `segkernels`, as a user starts it.
struct CommandRun {
  let status: Int32
  let output: String
  let errors: String

  /// - Parameter wrapper: a program and its arguments, which is given the command to run.
  init(_ arguments: [String], in folder: URL? = nil, through wrapper: [String] = []) throws {
    let process = CommandRun.process(arguments, in: folder, through: wrapper)
    let output = Pipe(), errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    self.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    self.errors = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    status = process.terminationStatus
  }

  /// The command, not yet started.
  static func process(_ arguments: [String], in folder: URL?, through wrapper: [String] = []) -> Process {
    let process = Process()
    // Rendered streets stay out of the user's cache.
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["SEGKERNELS_CACHE": FileManager.default.temporaryDirectory.appendingPathComponent("segkernels-test-cache").path]
    ) { $1 }
    let command = wrapper + [CommandRun.executable.path] + arguments
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    process.currentDirectoryURL = folder
    return process
  }

  /// The executable beside this test bundle.
  private static var executable: URL {
    Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }?.deletingLastPathComponent()
      .appendingPathComponent("segkernels")
      ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("segkernels")
  }

  /// Skips the test where the executable is not built.
  static func requireExecutable() throws {
    guard FileManager.default.isExecutableFile(atPath: executable.path) else {
      throw XCTSkip("\(executable.path) is not built (trait Tools)")
    }
  }
}
