import Foundation
import XCTest

/// Misuse stops the program with the operation's name and both shapes, in release builds too.
final class MisuseTests: XCTestCase {
  func testMisuseNamesItself() throws {
    let cases = [
      "add": ["add: ", "(1, 3, 4, 5)", "(2, 4)"], "conv2d": ["conv2d: ", "(2, 4, 3, 3)", "(1, 3, 4, 5)"],
      "matmul": ["matmul: ", "(2, 3)", "(4, 5)"], "concatenate": ["concatenate: ", "(1, 3, 4, 5)", "(1, 3, 4, 6)"],
      "crossEntropy": ["crossEntropy: ", "(1, 4, 5)", "(1, 4, 4)"], "label": ["crossEntropy: ", "label 7"],
      "batchNorm": ["batchNorm: ", "(4)", "(1, 3, 4, 5)"], "maxPool2d": ["maxPool2d: ", "7×7", "(1, 3, 4, 5)"],
      "reshape": ["reshape: ", "(1, 3, 4, 5)", "[7, 9]"], "slice": ["slice: ", "2..<9", "(1, 3, 4, 5)"],
      "capture": ["reads the data", "captured"], "scalar": ["valueAndGradient: ", "(1, 3, 4, 5)"],
      "gather": ["gather: ", "(1, 2, 4, 6)", "(1, 3, 4, 5)"], "index": ["gather: ", "index 3", "0..<3"],
      "oneHot": ["oneHot: ", "label 4"], "topK": ["topK: ", "(1, 3, 4, 5)", "4 elements"],
      "sort": ["sort: ", "axis 4", "(1, 3, 4, 5)"], "capturedTopK": ["topK: ", "reads the data", "captured"],
      "capturedPooling": ["maxPool2d: ", "reads the data", "captured"],
      "indexAdd": ["indexAdd: ", "(1, 3, 4, 5)", "(1, 2, 4, 4)"],
      "emptyWindow": ["maxPool2d: ", "no pixel", "(1, 1, 3, 3)"], "inverse3x3": ["inverse3x3: ", "(3, 4)"],
      "solveSymmetric": ["solveSymmetric: ", "(2, 3, 3)", "(2, 4)"],
      "tooManyThings": ["instanceHeatmaps: ", "5 slots", "6 instances"],
      "tooManyQueries": ["querySelection: ", "5 slots", "6 instances"],
    ]
    let folder =
      Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }?.deletingLastPathComponent()
      ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    for (name, words) in cases {
      let process = Process()
      process.executableURL = folder.appendingPathComponent("TrapProbe")
      process.arguments = [name]
      // No backtrace: it takes seconds.
      process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
      let errors = Pipe()
      process.standardError = errors
      try process.run()
      let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      XCTAssertEqual(process.terminationReason, .uncaughtSignal, name)
      for word in words { XCTAssertTrue(text.contains(word), "\(name): \(text)") }
    }
  }
}
