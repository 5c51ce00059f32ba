/// A step made numbers that are none.
public struct TrainingError: Error, Sendable, CustomStringConvertible {
  /// The step, counted from 0.
  public let step: Int
  /// What is no number.
  public let problem: String
  /// The samples of the step's batches.
  public let samples: [String]
  /// The last checkpoint, which is sound; nil if there is none yet.
  public let lastCheckpoint: String?

  public var description: String {
    "step \(step): \(problem); the batch held \(samples.joined(separator: ", ")); "
      + (lastCheckpoint.map { "the last good checkpoint is \($0)" } ?? "there is no checkpoint yet")
  }
}
