import Foundation
import SegData
import SegFiles
import SegFormats
import SegKernels

/// A training run in a folder: batches, loss, gradients, update, checkpoints.
///
/// The folder holds `recipe.json`, the last two checkpoints, `metrics.jsonl` with a line a report, and at the end
/// `weights.safetensors`. A run that was stopped goes on from its last checkpoint and makes the weights that it would
/// have made.
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

  private let task: any TrainingTask
  private let recipe: Recipe
  private let recipeHash: String
  private let optimizer: any Optimizer
  private let average: ExponentialMovingAverage?
  private let loader: BatchLoader
  private let folder: URL
  private let card: ModelCard
  private var firstStep = 0

  /// - Parameters:
  ///   - folder: where the run writes; made if need be.
  ///   - card: the notes that the finished weights carry.
  ///   - resume: go on from the folder's last checkpoint.
  /// - Throws: `FileError` if the folder cannot be written, holds another run, or has nothing to resume.
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
    if resume { try restore() } else { try begin() }
  }

  private func begin() throws {
    guard Checkpoint.files(in: folder).isEmpty else {
      throw FileError(
        path: folder.relativePath, kind: .unwritable, problem: "holds a run already; resume it, or name another folder")
    }
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError(path: folder.relativePath, kind: .unwritable, problem: "expected a folder that can be made")
    }
    let text = Array(recipe.json.utf8)
    try writeAtomically(to: folder.appendingPathComponent("recipe.json").relativePath, overwrite: true) {
      try $0.write(text)
    }
  }

  /// Takes up the newest checkpoint that can be read; one that was cut off is passed over.
  private func restore() throws {
    var problem = FileError(
      path: folder.relativePath, kind: .missing, problem: "expected a run's checkpoints, found none")
    for file in Checkpoint.files(in: folder).reversed() {
      do {
        let checkpoint = try Checkpoint(contentsOf: file)
        guard checkpoint.recipe == recipeHash else {
          throw FileError(path: file.relativePath, problem: "was made by another recipe; nothing was changed")
        }
        try task.network.load(checkpoint.model)
        optimizer.state = checkpoint.optimizer
        average?.state = checkpoint.average
        firstStep = checkpoint.step
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
  ///   - report: called after every step.
  /// - Throws: what reading data or writing files throws, and ``TrainingError`` if the loss is no number.
  public func run(until last: Int? = nil, _ report: (Progress) -> Void) throws {
    let log = try MetricsLog(folder.appendingPathComponent("metrics.jsonl"), keepingBelow: firstStep)
    let clock = ContinuousClock(), start = clock.now
    task.network.setTraining(true)
    defer { task.network.setTraining(false) }
    var step = firstStep
    let accumulated = recipe.optimization.accumulate
    var batches = loader.batches(from: step * accumulated).makeIterator()
    while step < recipe.steps {
      if step == last { return }
      let group = try (0..<accumulated).map { _ in try batches.next()!.get() }
      let factor = recipe.schedule.factor(step: step, of: recipe.steps, warmup: recipe.optimization.warmup)
      optimizer.learningRate = recipe.optimization.learningRate * factor
      let loss = update(group, progress: Float(step) / Float(recipe.steps))
      guard loss.isFinite else { throw TrainingError(step: step, loss: loss, samples: group.flatMap(\.names)) }
      step += 1
      let seconds = (clock.now - start).seconds
      let progress = Progress(
        step: step, steps: recipe.steps, loss: loss, learningRate: optimizer.learningRate, seconds: seconds,
        secondsLeft: seconds / Double(step - firstStep) * Double(recipe.steps - step))
      try log.add(progress)
      report(progress)
      if step % recipe.checkpointEvery == 0 || step == recipe.steps {
        let checkpoint = Checkpoint(
          step: step, recipe: recipeHash, network: task.network, optimizer: optimizer, average: average)
        try checkpoint.write(into: folder)
      }
    }
    average?.apply(to: task.network)
    try WeightArchive(task.network, card: card).write(to: folder.appendingPathComponent("weights.safetensors"))
  }

  /// One step: forward, loss and backward of each batch, then one update with the mean of the gradients. Returns the mean
  /// loss; parameters stay if it is no number.
  private func update(_ batches: [Batch], progress: Float) -> Float {
    func step(_ network: some Module) -> Float {
      var total: (loss: Float, gradients: Gradients)?
      for batch in batches {
        let (loss, gradients) = valueAndGradient(of: network) { _ in task.loss(batch, progress: progress) }
        total?.loss += loss.scalar
        total?.gradients.add(gradients)
        total = total ?? (loss.scalar, gradients)
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
}

/// The loss of a step was no number.
public struct TrainingError: Error, Sendable, CustomStringConvertible {
  /// The step, counted from 0.
  public let step: Int
  /// The step's loss.
  public let loss: Float
  /// The samples of the step's batch.
  public let samples: [String]

  public var description: String {
    "step \(step): the loss is \(loss); the batch held \(samples.joined(separator: ", ")); the last checkpoint is sound"
  }
}

extension WeightArchive {
  /// The parameters of a network with a model card: counters as integers, everything else as floats.
  public init(_ network: any Module, card: ModelCard) {
    self.init(
      network.state.map { name, parameter in
        let value = parameter.value
        return parameter.role == .counter
          ? (name, .integer(IntegerArray(value.shape, value.scalars.map { Int64($0) }))) : (name, .float(value))
      }, metadata: card.metadata)
  }

  fileprivate func write(to url: URL) throws { try writeWeights(self, to: url, overwrite: true) }
}
