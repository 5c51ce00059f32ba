import SegKernels

/// Panoptic quality, with panopticapi's rules.
///
/// A predicted and a true segment of one category match if their IoU is above ½, the union taken without what the
/// prediction covers of void. Each match is a true positive; a true segment without match is a false negative, unless
/// it is a crowd, which is never matched; a predicted one without match is a false positive, unless more than half of
/// it lies on void and on crowds of its category. For a category
///
///     PQ = Σ IoU / (TP + FP/2 + FN/2) = SQ · RQ,   SQ = Σ IoU / TP,   RQ = TP / (TP + FP/2 + FN/2),
///
/// with SQ = 0 where TP = 0; means are over categories with TP + FP + FN > 0.
///
/// Kirillov et al., "Panoptic Segmentation", 2019, section 4; `evaluation.py` of cocodataset/panopticapi.
public struct PanopticQuality: Sendable, Hashable {
  /// What one category adds up to.
  public struct Counts: Sendable, Hashable {
    /// TP, pairs that match; FP, predicted segments without a match; FN, true segments without a match.
    public internal(set) var truePositives = 0, falsePositives = 0, falseNegatives = 0
    /// The sum of the matches' IoU.
    public internal(set) var sumOfIoU = 0.0
  }

  /// The categories, as given.
  public let categories: [PanopticCategory]
  /// The counts of each of ``categories``.
  public private(set) var counts: [Counts]
  private let position: [Int: Int]

  /// No image yet. Traps if two categories share a number.
  public init(categories: [PanopticCategory]) {
    check(
      Set(categories.map(\.id)).count == categories.count, "PanopticQuality", "categories need numbers of their own")
    self.categories = categories
    counts = categories.map { _ in Counts() }
    position = Dictionary(uniqueKeysWithValues: zip(categories.map(\.id), categories.indices))
  }

  /// Matches the segments of one image. Traps if sizes differ or a segment's category is unknown.
  public mutating func add(prediction: PanopticSegmentation, truth: PanopticSegmentation) {
    check(
      prediction.ids.shape == truth.ids.shape, "PanopticQuality.add",
      "prediction \(prediction.ids.shape) and truth \(truth.ids.shape) differ in size")
    let overlap = Overlap(prediction.ids, truth.ids)
    var matched: Set<Int32> = []
    var crowds: [Int: [Int32]] = [:]
    // More than half of a union lies in one overlap at most, so matches are found one segment at a time.
    let predictions = Dictionary(uniqueKeysWithValues: prediction.segments.map { ($0.id, $0) })
    for segment in truth.segments {
      let category = place(of: segment)
      if segment.isCrowd {
        crowds[segment.category, default: []].append(segment.id)
        continue
      }
      let match = overlap.partners(ofTruth: segment.id).lazy.compactMap { partner, shared -> (Int32, Double)? in
        guard predictions[partner]?.category == segment.category else { return nil }
        let union =
          overlap.predictionArea(partner) + overlap.truthArea(segment.id) - shared
          - overlap.shared(prediction: partner, truth: PanopticSegmentation.void)
        return 2 * shared > union ? (partner, Double(shared) / Double(union)) : nil
      }.first
      if let (partner, iou) = match {
        counts[category].truePositives += 1
        counts[category].sumOfIoU += iou
        matched.insert(partner)
      } else {
        counts[category].falseNegatives += 1
      }
    }
    for segment in prediction.segments where !matched.contains(segment.id) {
      let excused = [PanopticSegmentation.void] + crowds[segment.category, default: []]
      let area = excused.reduce(0) { $0 + overlap.shared(prediction: segment.id, truth: $1) }
      if 2 * area <= overlap.predictionArea(segment.id) { counts[place(of: segment)].falsePositives += 1 }
    }
  }

  /// Adds the counts of another part of the data set.
  public static func += (a: inout PanopticQuality, b: PanopticQuality) {
    check(a.categories == b.categories, "PanopticQuality", "parts with other categories do not add up")
    for index in a.counts.indices { a.counts[index] += b.counts[index] }
  }

  /// The counts that ``Counts/sums`` of every category, one after another, stand for.
  package init(categories: [PanopticCategory], sums: [Double]) {
    self.init(categories: categories)
    check(sums.count == 4 * categories.count, "PanopticQuality", "expected 4 sums a category, found \(sums.count)")
    for index in categories.indices { counts[index] = Counts(sums: sums[(4 * index)..<(4 * index + 4)]) }
  }

  /// The mean PQ over the categories that occur, from their ``Counts/sums``; nil if none does.
  package static func meanPQ(ofSums sums: [Double]) -> Double? {
    stride(from: 0, to: sums.count, by: 4).map { Counts(sums: sums[$0..<($0 + 4)]).pq }.meanOfKnown
  }

  private func place(of segment: PanopticSegmentation.Segment) -> Int {
    guard let place = position[segment.category] else {
      misuse("PanopticQuality.add", "segment \(segment.id) has the unknown category \(segment.category)")
    }
    return place
  }
}

extension PanopticQuality.Counts {
  /// TP + FP + FN > 0: the category takes part in means.
  public var occurs: Bool { truePositives + falsePositives + falseNegatives > 0 }

  private var weight: Double { Double(truePositives) + Double(falsePositives + falseNegatives) / 2 }

  /// Σ IoU / (TP + FP/2 + FN/2); nil if the category does not occur.
  public var pq: Double? { occurs ? sumOfIoU / weight : nil }
  /// Σ IoU / TP, 0 without matches; nil if the category does not occur.
  public var sq: Double? { occurs ? (truePositives > 0 ? sumOfIoU / Double(truePositives) : 0) : nil }
  /// TP / (TP + FP/2 + FN/2); nil if the category does not occur.
  public var rq: Double? { occurs ? Double(truePositives) / weight : nil }

  /// TP, FP, FN and Σ IoU: what a bootstrap over images adds up.
  package var sums: [Double] { [Double(truePositives), Double(falsePositives), Double(falseNegatives), sumOfIoU] }

  package init(sums: ArraySlice<Double>) {
    let sums = Array(sums)
    self.init(
      truePositives: Int(sums[0]), falsePositives: Int(sums[1]), falseNegatives: Int(sums[2]), sumOfIoU: sums[3])
  }

  static func += (a: inout Self, b: Self) {
    a.truePositives += b.truePositives
    a.falsePositives += b.falsePositives
    a.falseNegatives += b.falseNegatives
    a.sumOfIoU += b.sumOfIoU
  }
}

/// How many pixels each predicted segment shares with each true one.
private struct Overlap {
  private struct IDs: Hashable { let prediction, truth: Int32 }
  private var shares: [IDs: Int] = [:]
  private var predictions: [Int32: Int] = [:], truths: [Int32: Int] = [:]
  private var partners: [Int32: [Int32]] = [:]

  init(_ prediction: Labels, _ truth: Labels) {
    prediction.withUnsafeBufferPointer { prediction in
      truth.withUnsafeBufferPointer { truth in
        var first = 0
        for index in 0..<truth.count {
          // Segments come in runs: one look into the table a run.
          let next = index + 1
          if next < truth.count, truth[next] == truth[index], prediction[next] == prediction[index] { continue }
          shares[IDs(prediction: prediction[index], truth: truth[index]), default: 0] += next - first
          first = next
        }
      }
    }
    for (ids, count) in shares {
      predictions[ids.prediction, default: 0] += count
      truths[ids.truth, default: 0] += count
      partners[ids.truth, default: []].append(ids.prediction)
    }
  }

  func shared(prediction: Int32, truth: Int32) -> Int { shares[IDs(prediction: prediction, truth: truth)] ?? 0 }
  func predictionArea(_ id: Int32) -> Int { predictions[id] ?? 0 }
  func truthArea(_ id: Int32) -> Int { truths[id] ?? 0 }

  func partners(ofTruth id: Int32) -> [(id: Int32, shared: Int)] {
    (partners[id] ?? []).map { ($0, shared(prediction: $0, truth: id)) }
  }
}
