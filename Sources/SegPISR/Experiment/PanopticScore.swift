import SegData
import SegImages
import SegKernels
import SegMetrics
import SegTraining

/// Panoptic quality of a network on a data set as experiments compare it, with a row of sums for each image.
struct PanopticScore {
  /// The most things of a frame that is not crowded.
  private static let crowd = 20

  private let categories: [PanopticCategory]
  /// For each limit: of each image, TP, FP, FN and Σ IoU of every category.
  private var rows: [(limit: Int?, images: [[Double]])] = []
  private var isCrowded: [Bool] = []

  init(_ categories: [PanopticCategory]) { self.categories = categories }

  /// Scores a network, compiled, on every image of a data set, at the image's own size.
  ///
  /// - Parameters:
  ///   - size: what images are resized to for the network; their own size by default.
  ///   - limit: the name of this pass: how many slots are filled. The first pass is what is compared.
  mutating func add(
    _ network: any PanopticNetwork, on dataset: any SegmentationDataset, size: Pair? = nil, limit: Int?,
    _ report: (Int, Int) -> Void
  ) throws {
    let weights = PackedWeights()
    var session: Program.Session?, images: [[Double]] = [], isCrowded: [Bool] = []
    for index in 0..<dataset.count {
      let sample = try dataset.sample(at: index)
      let own = Pair(height: sample.image.height, width: sample.image.width)
      let pixels = Tensor(sample.image, normalization: .imageNet), x = size.map { resize(pixels, to: $0) } ?? pixels
      if session?.program.inputShapes[0] != x.shape {
        session = Program(Graph.capture(inputs: [x.shape]) { network.outputs($0[0]) }, sharing: weights).makeSession()
      }
      let found = network.panoptic(session!([x]), in: PanopticFrame(whole: own))
      let truth = PanopticSegmentation(
        labels: sample.labels, instances: sample.instances ?? Labels(sample.labels.shape, filledWith: 0),
        categories: categories)
      var quality = PanopticQuality(categories: categories)
      quality.add(prediction: PanopticSegmentation(found, categories: categories), truth: truth)
      images.append(quality.counts.flatMap(\.sums))
      let things = Set(categories.filter(\.isThing).map(\.id))
      isCrowded.append(
        truth.segments.count { things.contains($0.category) && !$0.isCrowd } > PanopticScore.crowd)
      report(index + 1, dataset.count)
    }
    if rows.isEmpty { self.isCrowded = isCrowded }
    rows.append((limit, images))
  }

  /// A row for each image: the sums of every pass.
  var images: [[Double]] {
    (rows.first?.images ?? []).indices.map { image in rows.flatMap { $0.images[image] } }
  }

  /// PQ, SQ and RQ of the first pass, of things and of stuff, of crowded frames; PQ of every pass whose slots are
  /// limited, and of its crowded frames.
  var metrics: [RunResult.Metric] {
    guard let first = rows.first else { return [] }
    let width = 4 * categories.count
    func scores(_ images: [[Double]]) -> PanopticScores {
      var quality = PanopticQuality(categories: categories)
      for row in images { quality += PanopticQuality(categories: categories, sums: row) }
      return PanopticScores(quality)
    }
    func crowded(_ images: [[Double]]) -> PanopticScores { scores(zip(images, isCrowded).filter(\.1).map(\.0)) }
    let all = scores(first.images), frames = "frames with over \(PanopticScore.crowd) things"
    func statistic(_ pass: Int) -> ImageStatistic {
      ImageStatistic(.panopticQuality, columns: (pass * width)..<((pass + 1) * width))
    }
    var metrics = [
      RunResult.Metric("PQ", all.all.pq, statistic: statistic(0)), .init("SQ", all.all.sq), .init("RQ", all.all.rq),
      .init("PQ things", all.things.pq), .init("PQ stuff", all.stuff.pq),
      .init("PQ of \(frames)", crowded(first.images).all.pq),
    ]
    for (pass, row) in rows.enumerated() {
      guard let limit = row.limit else { continue }
      metrics.append(.init("PQ of \(limit) slots", scores(row.images).all.pq, statistic: statistic(pass)))
      metrics.append(.init("PQ of \(limit) slots, \(frames)", crowded(row.images).all.pq))
    }
    return metrics
  }
}
