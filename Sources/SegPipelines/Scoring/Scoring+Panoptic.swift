import Foundation
import SegFiles
import SegKernels
import SegMetrics

extension Scoring {
  /// Panoptic quality of data sets in COCO's format: a JSON file and the folder of PNGs beside it.
  public func panoptic(truth: URL, _ report: Report = { _, _ in }) throws -> Result<PanopticScores> {
    let wanted = try COCOPanopticFile(truth)
    guard !wanted.categories.isEmpty, !wanted.images.isEmpty else {
      throw FileError(path: wanted.url.relativePath, problem: "expected categories and annotations, found none")
    }
    let empty = PanopticQuality(categories: wanted.categories), numbers = Set(wanted.categories.map(\.id))
    let categories = wanted.categories.indices
    /// The mean of a ratio of the sums (TP, FP, FN, Σ IoU) over the categories that occur.
    func statistic(_ name: String, _ ratio: @escaping @Sendable (PanopticQuality.Counts) -> Double?) -> Statistic {
      Statistic(name: name) { sums in
        categories.map { ratio(PanopticQuality.Counts(sums: sums[(4 * $0)..<(4 * $0 + 4)])) }.meanOfKnown
      }
    }
    return try result([statistic("pq", \.pq), statistic("sq", \.sq), statistic("rq", \.rq)]) { system in
      let found = try COCOPanopticFile(system.place)
      let predictions = Dictionary(uniqueKeysWithValues: found.images.map { ($0.id, $0) })
      let missing = wanted.images.filter { predictions[$0.id] == nil }
      if let first = missing.first {
        throw FileError(
          path: found.url.relativePath,
          problem: """
            expected a prediction for each of \(wanted.images.count) images, found none for \(missing.count), \
            first \(first.id.quoted)
            """)
      }
      var quality = empty, contributions: [[Double]] = []
      for (index, entry) in wanted.images.enumerated() {
        let truth = try wanted.segmentation(of: entry, categories: numbers)
        let prediction = try found.segmentation(of: predictions[entry.id]!, categories: numbers)
        try requireSize(
          prediction.ids.shape, of: found.picture(of: predictions[entry.id]!), like: truth.ids.shape,
          of: wanted.picture(of: entry))
        var image = empty
        image.add(prediction: prediction, truth: truth)
        quality += image
        contributions.append(image.counts.flatMap(\.sums))
        system.report(index + 1, of: wanted.images.count, report)
      }
      return Outcome(scores: PanopticScores(quality), contributions: contributions, images: wanted.images.count)
    }
  }
}
