import Foundation
import SegData
import SegDistributed
import SegFiles
import SegFormats
import SegImages
import SegKernels

/// A training run in a folder: batches, loss, gradients, update, checkpoints.
///
/// The folder holds `recipe.json`, the last two checkpoints, the weights that scored best (`best-<score>.safetensors`),
/// the logs `metrics.jsonl` (a line a step) and `events.out.tfevents.segkernels` (for TensorBoard), and at the end
/// `weights.safetensors` and `curves.svg`. A run that was stopped, or whose disk was full, goes on from its last
/// checkpoint and makes the weights that it would have made.
///
/// Several processes train one network where the task has a group: each makes its share of every batch, gradients are
/// summed while the backward pass still runs, and all make the same step. The first one alone writes and looks at
/// ``Checks``; all of them must see the folder.
public final class Trainer {
  /// What is known after a step.
  public struct Progress: Sendable {
    /// Steps done, and of how many.
    public let step: Int
    /// Steps of the whole run.
    public let steps: Int
    /// The step's loss.
    public let loss: Float
    /// The step's rate.
    public let learningRate: Float
    /// Seconds since the run (or its resumption) began, and those that remain at this pace.
    public let seconds: Double
    /// What remains at this pace.
    public let secondsLeft: Double
  }

  /// What a run looks at while it goes on, supplied by whoever knows the data. The network is in evaluation then, and
  /// holds the averaged weights if the recipe asks for them.
  public struct Checks {
    /// The score of the validation split: taken every `validateEvery` steps, and of the finished weights.
    public var score: (() throws -> ValidationScore)?
    /// Pictures of samples for TensorBoard's log: taken every `samplesEvery` steps, and of the finished weights.
    public var samples: (() throws -> [Image])?

    /// Looks at nothing.
    public init() {}
  }

  private let task: any TrainingTask
  private let recipe: Recipe
  private let recipeHash: String
  private let optimizer: any Optimizer
  private let average: ExponentialMovingAverage?
  private let loader: BatchLoader
  private let folder: URL
  private let card: ModelCard
  private var firstStep = 0
  private var group: (any ProcessGroup)? { task.group }
  private var isFirst: Bool { group?.isFirst ?? true }

  /// A trainer of a task.
  ///
  /// - Parameters:
  ///   - task: what is trained.
  ///   - recipe: how.
  ///   - loader: what is learnt from.
  ///   - folder: where the run writes; made if need be.
  ///   - card: the notes that the finished weights carry.
  ///   - resume: go on from the folder's last checkpoint.
  /// - Throws: `FileError` if the folder cannot be written, holds another run, or has nothing to resume. Traps if the
  ///   loader's group is not the task's.
  public init(
    _ task: any TrainingTask, recipe: Recipe, loader: BatchLoader, folder: URL, card: ModelCard, resume: Bool
  ) throws {
    self.task = task
    self.recipe = recipe
    self.loader = loader
    self.folder = folder
    self.card = card
    recipeHash = recipe.hash
    let settings = recipe.optimization
    switch settings.kind {
    case .sgd:
      optimizer = SGD(
        learningRate: settings.learningRate, momentum: settings.momentum, weightDecay: settings.weightDecay)
    case .adamw: optimizer = AdamW(learningRate: settings.learningRate, weightDecay: settings.weightDecay)
    }
    optimizer.rates = Dictionary(settings.rates.map { ($0.part, $0.factor) }, uniquingKeysWith: { $1 })
    average = settings.average > 0 ? ExponentialMovingAverage(decay: settings.average) : nil
    precondition(
      loader.group?.size == task.group?.size,
      "Trainer: the loader is one of \(loader.group?.size ?? 1) processes, the task of \(task.group?.size ?? 1)")
    task.network.divideBatches(over: group)
    let open = resume ? restore : begin
    try group.map { try $0.firstInOne(open) } ?? open()
    guard let steps = group?.gather(UInt64(firstStep)), Set(steps).count > 1 else { return }
    throw FileError(
      path: folder.relativePath, problem: "expected one folder for all processes, found checkpoints of steps \(steps)")
  }

  /// Whether a folder holds checkpoints of a run.
  package static func canResume(_ folder: URL) -> Bool { !Checkpoint.files(in: folder).isEmpty }

  private func begin() throws {
    guard isFirst else { return }
    guard Checkpoint.files(in: folder).isEmpty else {
      throw FileError(
        path: folder.relativePath, kind: .unwritable, problem: "holds a run already; resume it, or name another folder")
    }
    try folder.makeFolder()
    BestWeights.removeAll(in: folder)
    let text = Array(recipe.json.utf8)
    try writeAtomically(to: folder.appendingPathComponent("recipe.json").relativePath, overwrite: true) {
      try $0.write(text)
    }
  }

  /// Takes up the newest checkpoint that can be read; one that was cut off is passed over.
  private func restore() throws {
    if isFirst { removeUnfinishedFiles(in: folder.relativePath) }
    var problem = FileError(
      path: folder.relativePath, kind: .missing, problem: "expected a run's checkpoints, found none")
    let files = Checkpoint.files(in: folder)
    for (index, file) in files.enumerated().reversed() {
      do {
        let checkpoint = try Checkpoint(contentsOf: file)
        guard checkpoint.recipe == recipeHash else {
          throw FileError(path: file.relativePath, problem: "was made by another recipe; nothing was changed")
        }
        try checkpoint.restore(task.network, optimizer, average)
        firstStep = checkpoint.step
        // A run killed between a checkpoint and the removal of the oldest left three.
        if isFirst { Checkpoint.removeBehind(files[...index]) }
        return
      } catch let error as FileError {
        problem = error
      }
    }
    throw problem
  }

  /// Trains to the recipe's last step and writes the weights.
  ///
  /// - Parameters:
  ///   - last: stop after this step, as if killed: only what checkpoints hold is kept. The recipe's last by default.
  ///   - checks: what the run looks at while it goes on.
  ///   - report: called after every step.
  /// - Throws: what reading data or writing files throws, and ``TrainingError`` if the loss is no number. What one of
  ///   several processes throws the others do not hear of; whoever catches it ends them.
  public func run(until last: Int? = nil, checks: Checks = Checks(), _ report: (Progress) -> Void) throws {
    let logs = try isFirst ? RunLogs(folder, keepingUpTo: firstStep) : nil
    let clock = ContinuousClock(), start = clock.now
    var checking = Duration.zero
    task.network.setTraining(true)
    defer { task.network.setTraining(false) }
    var step = firstStep
    let accumulated = recipe.optimization.accumulate
    var batches = loader.batches(from: step * accumulated).makeIterator()
    while step < recipe.steps {
      if step == last { return }
      let drawn = try (0..<accumulated).map { _ in try batches.next()!.get() }
      let factor = recipe.schedule.factor(step: step, of: recipe.steps, warmup: recipe.optimization.warmup)
      optimizer.learningRate = recipe.optimization.learningRate * factor
      let loss = update(drawn, progress: Float(step) / Float(recipe.steps))
      guard loss.isFinite else { throw error(step, loss.isNaN ? "the loss is nan" : "the loss is \(loss)", drawn) }
      step += 1
      let seconds = (clock.now - start - checking).seconds
      let progress = Progress(
        step: step, steps: recipe.steps, loss: loss, learningRate: optimizer.learningRate, seconds: seconds,
        secondsLeft: seconds / Double(step - firstStep) * Double(recipe.steps - step))
      try logs?.add(progress)
      report(progress)
      if step < recipe.steps, let logs {
        checking += try clock.measure { try evaluating { try look(checks, step, drawn[0], logs) } }
      }
      if step % recipe.checkpointEvery == 0 || step == recipe.steps {
        let checkpoint = Checkpoint(
          step: step, recipe: recipeHash, network: task.network, optimizer: optimizer, average: average)
        if let name = checkpoint.broken { throw error(step - 1, "'\(name)' has become no number", drawn) }
        try checkAgreement(step - 1, drawn)
        if isFirst { try checkpoint.write(into: folder) }
      }
    }
    average?.apply(to: task.network)
    defer { self.group?.wait() }
    guard let logs else { return }
    try writeWeights(
      WeightArchive(task.deployedNetwork, card: card), to: folder.appendingPathComponent("weights.safetensors"),
      overwrite: true)
    task.network.setTraining(false)
    try look(checks, step, nil, logs)
    try TrainingCurves(folder).write(to: folder)
  }

  /// Takes the score, the pictures and the task's figures that are due after a step, and notes them.
  private func look(_ checks: Checks, _ step: Int, _ batch: Batch?, _ logs: RunLogs) throws {
    func isDue(_ interval: Int) -> Bool { step == recipe.steps || interval > 0 && step % interval == 0 }
    if let score = checks.score, isDue(recipe.validateEvery) {
      let score = try score()
      try logs.add(score, step: step)
      try BestWeights.keep(task.deployedNetwork, card: card, score: score, step: step, in: folder)
    }
    if let samples = checks.samples, isDue(recipe.samplesEvery) { try logs.add(samples(), step: step) }
    if let batch, isDue(recipe.samplesEvery) {
      for figure in task.figures(batch) { try logs.add(figure, step: step) }
    }
  }

  /// Runs `body` with the network in evaluation, averaged if the recipe says so, and puts it back into training.
  private func evaluating(_ body: () throws -> Void) rethrows {
    let network = task.network, own = average.map { _ in network.parameters.map(\.value) }
    average?.apply(to: network)
    network.setTraining(false)
    defer {
      for (parameter, value) in zip(network.parameters, own ?? []) { parameter.value = value }
      network.setTraining(true)
    }
    try body()
  }

  private func error(_ step: Int, _ problem: String, _ batches: [Batch]) -> TrainingError {
    TrainingError(
      step: step, problem: problem, samples: batches.flatMap(\.names),
      lastCheckpoint: Checkpoint.files(in: folder).last?.relativePath)
  }

  /// Checks that all processes have the same weights, to the bit: sums in another order somewhere, or another machine's
  /// mathematics library, would let them drift apart unnoticed.
  private func checkAgreement(_ step: Int, _ batches: [Batch]) throws {
    guard let group else { return }
    var mark: UInt64 = 0
    for parameter in task.network.parameters {
      parameter.value.withUnsafeBufferPointer { for value in $0 { mark = mark &* 31 &+ UInt64(value.bitPattern) } }
    }
    if Set(group.gather(mark)).count > 1 { throw error(step, "the processes' weights differ", batches) }
  }

  /// One step: forward, loss and backward of each batch, then one update with the mean of the gradients. Returns the
  /// mean loss; parameters stay if it is no number.
  private func update(_ batches: [Batch], progress: Float) -> Float {
    func step(_ network: some Module) -> Float {
      var total: (loss: Float, gradients: Gradients)?
      for batch in batches {
        let (loss, gradients) = lossAndGradients(network, batch, progress: progress)
        total?.loss += loss
        total?.gradients.add(gradients)
        total = total ?? (loss, gradients)
      }
      guard var (loss, gradients) = total, loss.isFinite else { return total?.loss ?? .nan }
      if batches.count > 1 {
        loss /= Float(batches.count)
        gradients.scale(by: 1 / Float(batches.count))
      }
      if recipe.optimization.clip > 0 { gradients.clip(toNorm: recipe.optimization.clip) }
      optimizer.update(network, with: gradients)
      average?.update(network)
      return loss
    }
    return step(task.network)
  }

  /// The loss of a batch and its gradients, those of all processes added up.
  private func lossAndGradients(
    _ network: some Module, _ batch: Batch, progress: Float
  ) -> (loss: Float, gradients: Gradients) {
    guard let group else {
      let (loss, gradients) = valueAndGradient(of: network) { _ in task.loss(batch, progress: progress) }
      return (loss.scalar, gradients)
    }
    let exchange = GradientExchange(group)
    let (loss, _) = valueAndGradient(of: network, whenFinal: exchange.add) { _ in task.loss(batch, progress: progress) }
    return (Float(group.sum([Double(loss.scalar)])[0]), exchange.finish())
  }
}
