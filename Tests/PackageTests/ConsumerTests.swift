import Foundation
import SegTestSupport
import XCTest

/// The package as others use it.
final class ConsumerTests: XCTestCase {
  /// A program that uses the core alone: by path, from a folder of another name, without traits and without
  /// pkg-config. It builds, runs, and fetches nothing.
  func testCoreAloneWithoutTraits() throws {
    let folder = try Fixtures.temporaryFolder(self), copy = folder.appendingPathComponent("another-name")
    let files = FileManager.default
    let consumer = copy.appendingPathComponent("Examples/Core")
    try files.createDirectory(at: consumer, withIntermediateDirectories: true)
    for name in ["Package.swift", "Sources", "Tests", "Examples/Core/Package.swift", "Examples/Core/Sources"] {
      try files.copyItem(at: Fixtures.root.appendingPathComponent(name), to: copy.appendingPathComponent(name))
    }

    // A pkg-config that finds nothing goes before the real one.
    let tools = folder.appendingPathComponent("tools")
    try files.createDirectory(at: tools, withIntermediateDirectories: true)
    let hidden = tools.appendingPathComponent("pkg-config")
    try "#!/bin/sh\nexit 1\n".write(to: hidden, atomically: true, encoding: .utf8)
    try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: hidden.path)

    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["swift", "run", "--package-path", consumer.path]
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["PATH": tools.path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")]) { $1 }
    let output = folder.appendingPathComponent("output.txt")
    _ = files.createFile(atPath: output.path, contents: nil)
    let handle = try FileHandle(forWritingTo: output)
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    process.waitUntilExit()
    let text = try String(contentsOf: output, encoding: .utf8)
    XCTAssertEqual(process.terminationStatus, 0, text)
    let share = text.firstMatch(of: /right: (\d+) %/).flatMap { Int($0.1) }
    XCTAssertGreaterThan(share ?? 0, 80, text)
    XCTAssertFalse(text.contains("warning:"), text)
    let checkouts = (try? files.contentsOfDirectory(atPath: consumer.path + "/.build/checkouts")) ?? []
    XCTAssertEqual(checkouts, [], "nothing is fetched")
  }

  /// The core imports no Foundation.
  func testCoreImportsNoFoundation() throws {
    let root = Fixtures.root.appendingPathComponent("Sources/SegKernels")
    let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)!
    var count = 0
    for case let file as URL in files where file.pathExtension == "swift" {
      count += 1
      let text = try String(contentsOf: file, encoding: .utf8)
      XCTAssertFalse(text.contains("import Foundation") || text.contains("import Dispatch"), file.path)
    }
    XCTAssertGreaterThan(count, 40)
  }
}
