import ArgumentParser
import Foundation
import SegKernels

/// `benchmarks implicit`: IFA's released decoder on a grid of queries, from four levels that are there already.
struct ImplicitDecoder: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "implicit",
    abstract: "Time IFA's implicit function (1128 → 512 → 256 → 256 → 19) on a grid of queries; one JSON object.")

  @Option(help: "Rows of queries.") var height = 512
  @Option(help: "Columns of queries.") var width = 1024
  @Option(help: "Rows of the finest level; columns are twice as many, and each further level has half.") var level = 128
  @Option(help: "Threads.") var threads: Int = Threads.count
  @Option(help: "Runs.") var iterations = 5

  func run() throws {
    Threads.count = threads
    var random = RandomSource(seed: 1)
    let shapes = (0..<4).map { Shape([1, 256, level >> $0, 2 * level >> $0]) }
    let function = ImplicitFunction(.init(levelChannels: [256, 256, 256, 256], classes: 19))
    function.initialize(.kaimingFanOut, seed: 1)
    let grid = QueryPositions.grid(Pair(height: height, width: width))
    let session = Program(Graph.capture(inputs: shapes) { [function($0, at: grid)] }).makeSession()
    let levels = shapes.map { Tensor.normal($0, using: &random) }
    let clock = ContinuousClock()
    _ = session(levels)
    let seconds = (0..<iterations).map { _ in clock.measure { _ = session(levels) }.inSeconds }.sorted()
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }?.split(separator: " ")[1]
    print(
      """
      {"median_seconds": \(seconds[seconds.count / 2]), "min_seconds": \(seconds[0]), \
      "peak_rss_bytes": \((peak.flatMap { Int($0) } ?? 0) * 1024), "threads": \(threads)}
      """)
  }
}
