import Foundation
import XCTest

/// One run of the built `segkernels`, as a user starts it.
struct CommandRun {
  let status: Int32
  let output: String
  let errors: String

  init(_ arguments: [String], in folder: URL? = nil) throws {
    let process = Process()
    // Rendered streets stay out of the user's cache.
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["SEGKERNELS_CACHE": FileManager.default.temporaryDirectory.appendingPathComponent("segkernels-test-cache").path]
    ) { $1 }
    process.executableURL = CommandRun.executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    let output = Pipe(), errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    self.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    self.errors = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    status = process.terminationStatus
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
