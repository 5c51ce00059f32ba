import Foundation
import SegImages
import SegMetrics

extension Scoring {
  /// Boundary F, boundary IoU and trimap IoU of label maps (grey or palette PNG).
  public func boundary(truth: URL, _ report: Report = { _, _ in }) throws -> Result<BoundaryScores> {
    let pairs = try allPairs(truth)
    let count = try classCount(pairs.flatMap { $0.flatMap { [$0.prediction, $0.truth] } })
    let empty = BoundaryF(classes: count, ignoreIndex: ignoreIndex)
    let statistics = empty.tolerances.enumerated().map { level, tolerance in
      Statistic(name: "boundary F, \(tolerance)") { BoundaryF.meanF(ofSums: $0, classes: count, level: level) }
    }
    return try result(statistics) { system in
      var total = empty, contributions: [[Double]] = []
      var band = BoundaryIoU(classes: count, ignoreIndex: ignoreIndex)
      var trimap = TrimapIoU(classes: count, ignoreIndex: ignoreIndex)
      let pairs = pairs[system.index]
      for (index, pair) in pairs.enumerated() {
        let (prediction, truth) = try labels(pair, classes: count)
        var image = empty
        image.add(prediction: prediction, truth: truth)
        total += image
        contributions.append(image.sums)
        band.add(prediction: prediction, truth: truth)
        trimap.add(prediction: prediction, truth: truth)
        system.report(index + 1, of: pairs.count, report)
      }
      return Outcome(
        scores: BoundaryScores(total, band, trimap, names: ClassTable(count: count).names),
        contributions: contributions, images: pairs.count)
    }
  }
}
