import Foundation
import SegImages
import SegMetrics

extension Scoring {
  /// Mean IoU and its relatives of label maps (grey or palette PNG).
  public func semantic(truth: URL, _ report: Report = { _, _ in }) throws -> Result<SemanticScores> {
    let pairs = try allPairs(truth)
    let count = try classCount(pairs.flatMap { $0.flatMap { [$0.prediction, $0.truth] } })
    let classes = 0..<count
    let statistics = [
      Statistic(name: "meanIoU") { ConfusionMatrix.meanIoU(ofSums: $0) },
      Statistic(name: "pixelAccuracy") { sums in
        let hits = classes.reduce(0) { $0 + sums[3 * $1] }, labelled = classes.reduce(0) { $0 + sums[3 * $1 + 1] }
        return labelled > 0 ? hits / labelled : nil
      },
    ]
    return try result(statistics) { system in
      var matrix = ConfusionMatrix(classes: count, ignoreIndex: ignoreIndex), contributions: [[Double]] = []
      let pairs = pairs[system.index]
      for (index, pair) in pairs.enumerated() {
        let (prediction, truth) = try labels(pair, classes: count)
        var image = ConfusionMatrix(classes: count, ignoreIndex: ignoreIndex)
        image.add(prediction: prediction, truth: truth)
        matrix += image
        contributions.append(image.sums)
        system.report(index + 1, of: pairs.count, report)
      }
      return Outcome(
        scores: SemanticScores(matrix, names: ClassTable(count: count).names), contributions: contributions,
        images: pairs.count)
    }
  }

  /// The pairs of each system with the truth: all files are seen to be there before the first is scored.
  func allPairs(_ truth: URL, extensions: [String] = ["png"]) throws -> [[FilePairs.Pair]] {
    try ([prediction] + [against].compactMap { $0 }).map {
      try FilePairs(prediction: $0, truth: truth, extensions: extensions).pairs
    }
  }
}
