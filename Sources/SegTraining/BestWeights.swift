import Foundation
import SegFiles
import SegFormats
import SegKernels

/// A score on the validation split; more is better.
public struct ValidationScore: Sendable, Hashable, Codable {
  /// What is measured, `meanIoU` for instance.
  public let name: String
  /// How much of it there is.
  public let value: Double

  /// A score.
  public init(name: String, value: Double) {
    self.name = name
    self.value = value
  }
}

/// The weights of a run that scored best so far, in `best-<score's name>.safetensors`: usable as they are, with the step
/// and the score among the file's notes.
///
/// For looking at, and for stopping early by hand; figures that are published come from the last weights, since the best
/// of many scores on one split is too good.
enum BestWeights {
  private static func file(_ score: String, in folder: URL) -> URL {
    folder.appendingPathComponent("best-\(score).safetensors")
  }

  /// Keeps the weights if they score better than what the folder holds.
  static func keep(
    _ network: any Module, card: ModelCard, score: ValidationScore, step: Int, in folder: URL
  ) throws {
    let file = file(score.name, in: folder)
    let best = (try? readWeights(at: file))?.metadata[score.name].flatMap(Double.init)
    guard score.value.isFinite, best.map({ score.value > $0 }) ?? true else { return }
    var archive = WeightArchive(network, card: card)
    archive.metadata["step"] = "\(step)"
    archive.metadata[score.name] = "\(score.value)"
    try writeWeights(archive, to: file, overwrite: true)
  }

  /// Removes what an earlier run that made no checkpoint has left.
  static func removeAll(in folder: URL) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.relativePath)) ?? []
    where name.hasPrefix("best-") && name.hasSuffix(".safetensors") {
      try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
    }
  }
}
