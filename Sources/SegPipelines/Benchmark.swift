import Foundation
import SegKernels
import SegONNX

/// `segkernels bench`: the time of a network's forward pass, or of a whole training step.
public struct Benchmark: Sendable, Codable {
  // The names are those of the command line's JSON.
  /// The model's full name.
  public let model: String
  /// Rows of the image.
  public let height: Int
  /// Columns of the image.
  public let width: Int
  /// Images at once.
  public let batch: Int
  /// Threads used.
  public let threads: Int
  /// Timed repetitions.
  public let iterations: Int
  /// Half of the repetitions took no longer.
  public let median_seconds: Double
  /// The fastest repetition.
  public let min_seconds: Double
  /// Nine of ten repetitions took no longer.
  public let p90_seconds: Double
  /// The most memory that the process has held.
  public let peak_rss_bytes: Int
  /// Of the forward pass, or three times that for a training step; a multiply-add counts 2.
  public let gflop_per_second: Double

  /// Times a model with fresh weights on a random image, after two untimed repetitions.
  public init(_ name: ModelName, height: Int, width: Int, batch: Int, iterations: Int, isTraining: Bool) throws {
    let work =
      try isTraining
      ? Benchmark.trainingStep(name, batch, height, width) : Benchmark.forwardPass(name, batch, height, width)
    let clock = ContinuousClock()
    for _ in 0..<2 { work.step() }
    let seconds = (0..<iterations).map { _ in clock.measure(work.step).seconds }.sorted()
    model = work.model.rawValue
    self.height = height
    self.width = width
    self.batch = batch
    threads = Threads.count
    self.iterations = iterations
    median_seconds = seconds[iterations / 2]
    min_seconds = seconds[0]
    p90_seconds = seconds[min(iterations * 9 / 10, iterations - 1)]
    peak_rss_bytes = Benchmark.peakResidentBytes
    gflop_per_second = Double(work.operations) / 1e9 / median_seconds
  }

  /// What is timed, its floating-point operations, and the full name of the model.
  private typealias Work = (model: ModelName, operations: Int, step: () -> Void)

  /// Weights are packed before, as any engine does, and those of the module let go; layouts are converted within the
  /// time.
  private static func forwardPass(_ name: ModelName, _ batch: Int, _ height: Int, _ width: Int) throws -> Work {
    let (model, operations, program) = try compiled(name, batch, height, width)
    var random = RandomSource(seed: 1)
    let session = program.makeSession(), x = Tensor.normal(program.inputShapes[0], using: &random)
    var logits = Tensor.zeros(program.outputShapes[0])
    guard program.outputShapes.count == 1 else { return (model, operations, { _ = session([x]) }) }
    return (model, operations, { session.run(x, into: &logits) })
  }

  /// A model with fresh weights, all its outputs compiled, and its operations.
  private static func compiled(
    _ name: ModelName, _ batch: Int, _ height: Int, _ width: Int
  ) throws -> (model: ModelName, operations: Int, program: Program) {
    let model = try ModelRegistry.build(name, seed: 0)
    _ = try (model.network as? ONNXNetwork)?.outputShape(for: [batch, model.inputChannels, height, width])
    let graph = Graph.capture(inputs: [[batch, model.inputChannels, height, width]]) { model.outputs($0[0]) }
    return (model.name, graph.floatingPointOperations, Program(graph))
  }

  /// Forward, loss, backward and an SGD step, taken for three times the operations of a forward pass.
  private static func trainingStep(_ name: ModelName, _ batch: Int, _ height: Int, _ width: Int) throws -> Work {
    let model = try ModelRegistry.build(name, seed: 0)
    guard model.output == .segmentation else {
      throw UsageError("--train: expected a model that segments, found '\(model.name)'")
    }
    guard !(model.network is ONNXNetwork) else { throw UsageError("--train: expected a model of the package") }
    guard model.panoptic == nil else {
      throw UsageError("--train: expected a model of classes alone, found '\(model.name)', which finds things")
    }
    var random = RandomSource(seed: 1)
    let x = Tensor.normal([batch, model.inputChannels, height, width], using: &random)
    let graph = Graph.capture(inputs: [x.shape]) { [model.network($0[0])] }
    model.network.setTraining(true)
    let labels = Labels(
      [batch, height, width],
      (0..<(batch * height * width)).map { _ in Int32.random(in: 0..<Int32(model.classes), using: &random) })
    let optimizer = SGD(learningRate: 0.001)
    func update(_ network: some UnaryModule) {
      let (_, gradients) = valueAndGradient(of: network) { net in
        crossEntropy(resize(net(x), to: Pair(height: height, width: width)), labels)
      }
      optimizer.update(network, with: gradients)
    }
    return (model.name, 3 * graph.floatingPointOperations, { update(model.network) })
  }

  /// The time of every step of the compiled network, in order; each is the least of `iterations`. Names tell algorithm,
  /// kernel and channels.
  public static func steps(
    _ name: ModelName, height: Int, width: Int, batch: Int, iterations: Int
  ) throws -> [(name: String, seconds: Double)] {
    let program = try compiled(name, batch, height, width).program
    var random = RandomSource(seed: 1)
    let session = program.makeSession(), x = Tensor.normal(program.inputShapes[0], using: &random)
    var best = session.stepTimes([x])
    for _ in 1..<max(iterations, 2) {
      for (index, step) in session.stepTimes([x]).enumerated() { best[index].time = min(best[index].time, step.time) }
    }
    return best.map { ($0.name, $0.time.seconds) }
  }

  private static var peakResidentBytes: Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) } ?? 0) * 1024
  }
}
