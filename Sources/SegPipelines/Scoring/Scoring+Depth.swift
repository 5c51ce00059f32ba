import Foundation
import SegFiles
import SegKernels
import SegMetrics

extension Scoring {
  /// What the numbers of a prediction's files mean.
  public enum DepthKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// Metres.
    case depth
    /// 1 / metres, up to a factor.
    case disparity
  }

  /// Errors of depth maps (`.npy`, or 16-bit PNG of `divisor` a metre).
  ///
  /// - Parameters:
  ///   - truth: a file, or a folder of files of the same names.
  ///   - rules: crop, caps, and whether predictions are scaled to the truth's median.
  ///   - kind: what the prediction holds; the truth holds metres.
  ///   - divisor: PNG samples are divided by it, in prediction and truth.
  ///   - report: called with what is done.
  public func depth(
    truth: URL, rules: DepthProtocol, kind: DepthKind = .depth, divisor: Double = 256, _ report: Report = { _, _ in }
  ) throws -> Result<DepthScores> {
    guard divisor > 0, divisor.isFinite else {
      throw UsageError("divisor: expected a positive number, found \(divisor)")
    }
    let pairs = try allPairs(truth, extensions: ["png", "npy"])
    // Each image adds its errors and a 1.
    let statistics = DepthErrors.names.enumerated().map { index, error in
      Statistic(name: error.name, higherIsBetter: error.higherIsBetter) { sums in
        sums.last! > 0 ? sums[index] / sums.last! : nil
      }
    }
    return try result(statistics) { system in
      var evaluation = DepthEvaluation(rules), contributions: [[Double]] = []
      let pairs = pairs[system.index]
      for (index, pair) in pairs.enumerated() {
        let truth = try DepthFile.read(pair.truth, divisor: Float(divisor))
        let map = try DepthFile.read(pair.prediction, divisor: Float(divisor))
        let stray = map.withUnsafeBufferPointer { $0.firstIndex { !$0.isFinite } }
        if let stray {
          throw FileError(
            path: pair.prediction.relativePath,
            problem: "expected finite numbers, found \(map.scalars[stray]) at element \(stray)")
        }
        var image = DepthEvaluation(rules)
        switch kind {
        case .depth: image.add(depth: map, truth: truth)
        case .disparity: image.add(disparity: map, truth: truth)
        }
        evaluation += image
        contributions.append(
          image.images.first.map { $0.values + [1] } ?? [Double](repeating: 0, count: statistics.count + 1))
        system.report(index + 1, of: pairs.count, report)
      }
      return Outcome(scores: DepthScores(evaluation), contributions: contributions, images: pairs.count)
    }
  }
}
