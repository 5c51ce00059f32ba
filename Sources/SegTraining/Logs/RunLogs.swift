import Foundation
import SegImages

/// The logs of a run: `metrics.jsonl`, and TensorBoard's events.
struct RunLogs {
  private let metrics: MetricsLog
  private let events: EventLog

  /// - Parameter step: what was noted of later steps, by a run that went on past its last checkpoint, is dropped.
  init(_ folder: URL, keepingUpTo step: Int) throws {
    metrics = try MetricsLog(MetricsLog.file(in: folder), keepingUpTo: step)
    events = try EventLog(folder.appendingPathComponent(EventLog.fileName), keepingUpTo: step)
  }

  func add(_ progress: Trainer.Progress) throws {
    try metrics.add(
      MetricsLog.Line(
        step: progress.step, loss: progress.loss, learningRate: progress.learningRate, seconds: progress.seconds))
    try events.add(["loss": progress.loss, "learning rate": progress.learningRate], step: progress.step)
  }

  func add(_ score: ValidationScore, step: Int) throws {
    // A score that does not exist has no place in JSON.
    guard score.value.isFinite else { return }
    try metrics.add(MetricsLog.Line(step: step, scores: [score.name: score.value]))
    try events.add([score.name: Float(score.value)], step: step)
  }

  func add(_ samples: [Image], step: Int) throws { try events.add(samples, name: "samples", step: step) }
}
