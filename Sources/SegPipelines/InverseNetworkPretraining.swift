import Foundation
import SegData
import SegFiles
import SegFormats
import SegInverseForm
import SegKernels

/// `segkernels pretrain inverse-network`: InverseForm's inverse network learns from the boundaries of made-up streets
/// or of other label maps, and is asked what it knows.
public struct InverseNetworkPretraining {
  /// What a finished run knows.
  public struct Outcome: Sendable, Codable {
    /// The weights' file.
    public let weights: String
    /// Steps done.
    public let steps: Int
    /// Of training alone.
    public let seconds: Double
    /// What the network makes of held-out label maps.
    public let report: InverseReport
  }

  private let source: DataSource
  private let out: URL
  private let frames: Int
  private let transform: BoundaryTransform
  private let side: Int
  private let overwrites: Bool
  private let pretraining: InversePretraining

  /// A run that trains an inverse network.
  ///
  /// - Parameters:
  ///   - source: the data set that label maps are taken from.
  ///   - frames: label maps to learn from, the first of split `train`.
  ///   - transform: what is estimated.
  ///   - side: rows and columns of a tile.
  ///   - pretraining: steps, pairs a step and seed, among others.
  ///   - out: the weights' file; the report goes beside it as JSON.
  ///   - overwrite: replace files that exist.
  /// - Throws: `FileError` where `out` exists and must not be overwritten, `UsageError` for sizes that cannot be.
  public init(
    _ source: DataSource, frames: Int, transform: BoundaryTransform = .shiftScaleRotation, side: Int = 112,
    pretraining: InversePretraining, to out: URL, overwrite: Bool
  ) throws {
    guard frames >= 1, pretraining.steps >= 1, pretraining.batch >= 2 else {
      throw UsageError(
        "expected at least 1 frame, 1 step and 2 pairs a step, found \(frames), \(pretraining.steps), "
          + "\(pretraining.batch)")
    }
    guard (16...512).contains(side), side % 16 == 0 else {
      throw UsageError("expected tiles of a multiple of 16 from 16 to 512 (112 and 224 are usual), found \(side)")
    }
    try refuseExisting([out], overwrite: overwrite)
    self.source = source
    self.frames = frames
    self.transform = transform
    self.side = side
    self.pretraining = pretraining
    self.out = out
    overwrites = overwrite
  }

  /// Trains, writes the weights and the report.
  public func run(_ report: (InversePretraining.Progress) -> Void) throws -> Outcome {
    let network = AntisymmetricInverseNetwork(transform, side: side, seed: pretraining.seed)
    func pairs(_ split: String, _ count: Int) throws -> TilePairs {
      let dataset = try source.dataset(split: split)
      let maps = try concurrentMap(Array(0..<min(count, dataset.count))) { index in
        Result { try dataset.sample(at: index).labels }
      }.map { try $0.get() }
      guard let first = maps.first, maps.allSatisfy({ $0.shape == first.shape }), first.shape.min()! >= 64 else {
        throw UsageError("expected label maps of one size of at least 64 pixels, found others or none")
      }
      return TilePairs(labels: maps, side: network.side, transform: network.transform)
    }
    let training = try pairs("train", frames), heldOut = try pairs(source.kind == "streets" ? "dev" : "val", 40)
    let clock = ContinuousClock()
    let seconds = clock.measure { pretraining.run(network, on: training, report) }.seconds
    let notes = ["terms": source.terms, "steps": "\(pretraining.steps)", "seed": "\(pretraining.seed)"]
    try writeWeights(network.archive(notes: notes), to: out, overwrite: overwrites)
    let outcome = Outcome(
      weights: out.relativePath, steps: pretraining.steps, seconds: seconds,
      report: InverseReport(network, on: heldOut))
    try writeJSON(outcome, to: out.deletingPathExtension().appendingPathExtension("json"))
    return outcome
  }
}
