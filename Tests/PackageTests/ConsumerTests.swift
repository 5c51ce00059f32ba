import Foundation
import SegTestSupport
import XCTest

/// The package as others use it.
final class ConsumerTests: XCTestCase {
  /// A program that uses the core alone: by path, from a folder of another name, without traits and without
  /// pkg-config. It builds, runs, and fetches nothing.
  func testCoreAloneWithoutTraits() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let copy = folder.appendingPathComponent("another-name"), consumer = folder.appendingPathComponent("consumer")
    let files = FileManager.default
    try files.createDirectory(at: copy, withIntermediateDirectories: true)
    for name in ["Package.swift", "Sources", "Tests"] {
      try files.copyItem(at: Fixtures.root.appendingPathComponent(name), to: copy.appendingPathComponent(name))
    }
    let sources = consumer.appendingPathComponent("Sources/Consumer")
    try files.createDirectory(at: sources, withIntermediateDirectories: true)
    try """
    // swift-tools-version: 6.2
    import PackageDescription

    let package = Package(
      name: "Consumer",
      dependencies: [.package(path: "../another-name", traits: [])],
      targets: [
        .executableTarget(name: "Consumer", dependencies: [.product(name: "SegKernels", package: "another-name")])
      ])
    """.write(to: consumer.appendingPathComponent("Package.swift"), atomically: true, encoding: .utf8)
    try """
    import SegKernels

    let x = Tensor([1, 1, 3, 3], (1...9).map { Float($0) })
    let (_, gradients) = valueAndGradient(at: [x]) { conv2d($0[0], weight: .ones([1, 1, 2, 2])).sum() }
    print(gradients[0].scalars)
    """.write(to: sources.appendingPathComponent("main.swift"), atomically: true, encoding: .utf8)

    // A pkg-config that finds nothing goes before the real one.
    let tools = folder.appendingPathComponent("tools")
    try files.createDirectory(at: tools, withIntermediateDirectories: true)
    let hidden = tools.appendingPathComponent("pkg-config")
    try "#!/bin/sh\nexit 1\n".write(to: hidden, atomically: true, encoding: .utf8)
    try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: hidden.path)

    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["swift", "run", "--package-path", consumer.path, "Consumer"]
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
    // Each input pixel counts once for every 2×2 window that covers it.
    XCTAssertTrue(text.contains("[1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0]"), text)
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
