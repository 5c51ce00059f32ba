import ArgumentParser
import Foundation
import SegKernels
import SegPipelines

/// `benchmarks scaling`: what more threads give to a network, beside what they give to a loop that needs no memory.
struct Scaling: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare a network's gain from more threads with that of a loop in registers.",
    discussion: """
      Each round times the loop and the network on one thread and on all, one after the other: a machine whose clock \
      falls or whose cores are shared treats both alike. A share of 1 means that the network loses nothing.
      """)

  @OptionGroup var machine: MachineOptions
  @Option(help: "A model's published name.") var model = ModelName.ffnet78S_dBBB_mobile.rawValue
  @Option(help: "Rows of the image.") var height = 512
  @Option(help: "Columns of the image.") var width = 1024
  @Option(help: "Rounds; the medians count.") var rounds = 15

  /// What is found; the names are those of the JSON.
  private struct Result: Codable {
    let model: String
    let height: Int, width: Int, threads: Int, rounds: Int
    /// How many times as fast on all threads as on one: medians over the rounds.
    let loop_gain: Double, network_gain: Double
    /// The network's gain over the loop's, in the median round and in those at 10 and 90 %.
    let share: Double, share_p10: Double, share_p90: Double
  }

  func run() throws {
    try reportingErrors {
      guard height > 0, width > 0, rounds > 0 else { throw UsageError("height, width and rounds must be positive") }
      let result = try measure(machine.prepare())
      if machine.json { return try printJSON(result) }
      print(
        "\(result.model) at \(height)×\(width), 1 → \(result.threads) threads, \(rounds) rounds: "
          + String(
            format: "loop in registers %.3f, network %.3f, share %.3f (%.3f–%.3f)", result.loop_gain,
            result.network_gain, result.share, result.share_p10, result.share_p90))
    }
  }

  private func measure(_ machine: Machine) throws -> Result {
    guard machine.threads > 1 else { throw UsageError("--threads: expected at least 2, found \(machine.threads)") }
    let model = try ModelRegistry.build(ModelName(model), seed: 0)
    var random = RandomSource(seed: 1)
    let x = Tensor.normal([1, model.inputChannels, height, width], using: &random)
    let session = model.network.compiled(for: x.shape).makeSession()
    var logits = Tensor.zeros(session.program.outputShapes[0])
    func speed(_ threads: Int) -> (loop: Double, network: Double) {
      Threads.count = threads
      let loop = Machine.peak(threads: threads, isa: machine.isa)
      return (loop, 1 / ContinuousClock().measure { session.run(x, into: &logits) }.inSeconds)
    }
    _ = (speed(1), speed(machine.threads))
    let gains = (0..<rounds).map { _ in
      let (one, all) = (speed(1), speed(machine.threads))
      return (loop: all.loop / one.loop, network: all.network / one.network)
    }
    let shares = gains.map { $0.network / $0.loop }.sorted()
    return Result(
      model: model.name.rawValue, height: height, width: width, threads: machine.threads, rounds: rounds,
      loop_gain: gains.map(\.loop).sorted()[rounds / 2], network_gain: gains.map(\.network).sorted()[rounds / 2],
      share: shares[rounds / 2], share_p10: shares[rounds / 10], share_p90: shares[min(rounds * 9 / 10, rounds - 1)])
  }
}
