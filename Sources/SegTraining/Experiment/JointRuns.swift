import Foundation
import SegFiles
import SegKernels

/// Runs of several arms that look at the same frames: the first arm that is asked for computes all of them, and the
/// others are read from a file beside it. Frames of clips take longer to render than all arms take to look at them.
public struct JointRuns {
  private let file: URL

  /// The results of arms that are computed together.
  ///
  /// - Parameters:
  ///   - identity: all that the results depend on beside the setup's preset, data and steps.
  ///   - seed: of the runs.
  ///   - setup: of any of the arms: the file lies in the folder that they share.
  public init(_ identity: String, seed: UInt64, setup: RunSetup) {
    let text = "\(identity) \(setup.preset.rawValue) \(setup.data.name) \(setup.steps ?? 0) \(setup.encoder != nil)"
    file = setup.folder.deletingLastPathComponent().appendingPathComponent(
      "joint-\(seed)-\(String(stableHash(text), radix: 16)).json")
  }

  /// The result of one arm.
  ///
  /// - Parameters:
  ///   - arm: the arm's name.
  ///   - compute: the results of all arms by name; called if they are not known yet.
  public func result(of arm: String, _ compute: () throws -> [String: RunResult]) throws -> RunResult {
    if let data = try? Data(contentsOf: file),
      let known = try? JSONDecoder().decode([String: RunResult].self, from: data), let result = known[arm]
    {
      return result
    }
    let results = try compute()
    try writeJSON(results, to: file, pretty: false)
    guard let result = results[arm] else { preconditionFailure("JointRuns: no result of arm \(arm)") }
    return result
  }
}
