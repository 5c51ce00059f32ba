import SegData
import SegFFNet
import SegImages
import SegKernels
import SegMetrics
import SegTraining

/// Does PC follow the truth? Models of graded quality × corruptions × clips, each with its true consistency, its mIoU and
/// what each measure makes of it; Spearman's correlation over all of them.
struct MeasureStudy {
  /// By measure.
  let metrics: [String: [RunResult.Metric]]
  /// The interval of the difference between PC and TC over clips, and models' scores.
  let notes: [String]

  /// What is known of one model's corrupted labels of one clip.
  private struct Condition {
    let model: Int, clip: Int
    let isHard: Bool
    let truth: Double, meanIoU: Double
    /// PC, TC by estimated flow, the share of pixels that keep their label.
    let scores: [Double]
  }

  init(
    _ networks: [FFNet], _ streets: StreetScenes, _ features: FeatureNetwork, count: Int, frames: Int,
    seed: UInt64, _ report: (Int, Int) -> Void
  ) {
    let extractor = FeatureExtractor(features), segmenters = networks.map(FrameSegmenter.init)
    let classes = streets.classes.count
    var conditions: [Condition] = [], motions: [Double] = []
    for number in 0..<count {
      let clip = streets.clip(at: number, frames: frames), places = Array(0..<frames)
      let rendered = clip.frames(at: places), maps = rendered.map { extractor($0.image) }
      let flows = concurrentMap(Array(places.dropFirst())) { clip.flow(from: $0, to: $0 - 1) }
      let estimated = places.dropFirst().map {
        DenseInverseSearch()(from: rendered[$0].image, to: rendered[$0 - 1].image)
      }
      motions.append(flows.map { MeasureStudy.length($0.field) }.mean ?? 0)
      for (model, segmenter) in segmenters.enumerated() {
        let clean = rendered.map { segmenter.labels($0.image) }
        for corruption in Corruption.allCases {
          let labels = corruption.applied(to: clean, seed: seed, clip: number)
          var truth = TemporalConsistency(classes: classes), found = truth
          var changes = LabelChanges(), matrix = ConfusionMatrix(classes: classes), scores: [Double] = []
          for place in places {
            matrix.add(prediction: labels[place], truth: rendered[place].labels)
            // Nothing is to be consistent across a cut.
            guard place > 0, !clip.isCut(before: place) else { continue }
            let (before, now) = (labels[place - 1], labels[place])
            truth.add(
              previous: before, current: now, flow: flows[place - 1].field, occluded: flows[place - 1].occluded)
            found.add(previous: before, current: now, flow: estimated[place - 1])
            changes.add(previous: before, current: now)
            scores.append(PerceptualConsistency.scorer(maps[place - 1], maps[place])(before, now))
          }
          guard let agreement = truth.visibleAgreement, let tc = found.score, let rate = changes.rate,
            let pc = scores.mean
          else { continue }
          conditions.append(
            Condition(
              model: model, clip: number, isHard: false, truth: agreement, meanIoU: matrix.meanIoU().ifFinite ?? 0,
              scores: [pc, tc, 1 - rate]))
        }
        report(number * segmenters.count + model + 1, count * segmenters.count)
      }
    }
    let median = motions.sorted()[motions.count / 2]
    conditions = conditions.map {
      Condition(
        model: $0.model, clip: $0.clip, isHard: motions[$0.clip] >= median, truth: $0.truth, meanIoU: $0.meanIoU,
        scores: $0.scores)
    }
    func correlation(_ chosen: [Condition], _ measure: Int, with target: (Condition) -> Double) -> Double? {
      spearman(chosen.map { $0.scores[measure] }, chosen.map(target))
    }
    let all = conditions, models = networks.indices
    metrics = Dictionary(
      uniqueKeysWithValues: PerceptualConsistencyReproduction.measures.enumerated().map { index, name in
        let within = models.map { model in correlation(all.filter { $0.model == model }, index) { $0.truth } }
        // A model's mean over clips and corruptions.
        let means = models.map { model -> (score: Double, truth: Double) in
          let own = all.filter { $0.model == model }
          return (own.map { $0.scores[index] }.mean ?? 0, own.map(\.truth).mean ?? 0)
        }
        return (
          name,
          [
            RunResult.Metric("Spearman", correlation(all, index) { $0.truth }),
            RunResult.Metric("Spearman within models", within.meanOfKnown),
            RunResult.Metric("Spearman across models", spearman(means.map(\.score), means.map(\.truth))),
            RunResult.Metric("Spearman with mIoU", correlation(all, index) { $0.meanIoU }),
            RunResult.Metric("Spearman, little motion", correlation(all.filter { !$0.isHard }, index) { $0.truth }),
            RunResult.Metric("Spearman, much motion", correlation(all.filter(\.isHard), index) { $0.truth }),
          ]
        )
      })
    var random = RandomSource(seed: seed, name: "clips"), differences: [Double] = []
    for _ in 0..<200 {
      let drawn = (0..<count).flatMap { _ -> [Condition] in
        let clip = Int.random(in: 0..<count, using: &random)
        return all.filter { $0.clip == clip }
      }
      guard let a = correlation(drawn, 0, with: { $0.truth }), let b = correlation(drawn, 1, with: { $0.truth }) else {
        continue
      }
      differences.append(a - b)
    }
    differences.sort()
    let interval =
      differences.isEmpty ? nil : (differences[differences.count / 40], differences[differences.count * 39 / 40])
    notes =
      interval.map {
        [
          "seed \(seed): Spearman of PC − TC over \(count) clips drawn anew: 95 % within "
            + "\(MeasureStudy.text($0.0)) … \(MeasureStudy.text($0.1))"
        ]
      } ?? []
  }

  private static func text(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

  /// The mean length of known vectors, pixels.
  private static func length(_ flow: FlowField) -> Double {
    flow.endpointError(against: FlowField(.zeros(flow.vectors.shape))) ?? 0
  }
}

/// How labels of a clip are made inconsistent.
enum Corruption: CaseIterable {
  case none, flicker, jitter, lag, swap, thin

  /// Corrupted labels of a clip's frames.
  func applied(to frames: [Labels], seed: UInt64, clip: Int) -> [Labels] {
    var random = RandomSource(seed: seed, name: "corruption \(self) \(clip)")
    return frames.enumerated().map { index, labels in
      let (height, width) = (labels.shape[0], labels.shape[1])
      switch self {
      case .none: return labels
      case .lag: return frames[max(index - 2, 0)]
      case .flicker:
        // A block takes another class for one frame.
        var values = labels.values
        for _ in 0..<3 {
          let top = Int.random(in: 0..<height * 3 / 4, using: &random)
          let left = Int.random(in: 0..<width * 3 / 4, using: &random), other = Int32.random(in: 0..<19, using: &random)
          for row in top..<(top + height / 6) {
            for column in left..<(left + width / 6) where row < height && column < width {
              values[row * width + column] = other
            }
          }
        }
        return Labels(labels.shape, values)
      case .jitter:
        let (down, right) = (Int.random(in: -3...3, using: &random), Int.random(in: -3...3, using: &random))
        let values = labels.values
        return Labels(
          labels.shape,
          (0..<(height * width)).map { place in
            let row = min(max(place / width + down, 0), height - 1)
            return values[row * width + min(max(place % width + right, 0), width - 1)]
          })
      case .swap:
        // Vegetation and terrain, road and sidewalk change places in every other frame or so.
        guard Bool.random(using: &random) else { return labels }
        let partner: [Int32: Int32] = [8: 9, 9: 8, 0: 1, 1: 0]
        return Labels(labels.shape, labels.values.map { partner[$0] ?? $0 })
      case .thin:
        // Poles, lights, signs, riders and cycles are gone in every other frame or so: their left neighbour instead.
        guard Bool.random(using: &random) else { return labels }
        var values = labels.values
        let thin: Set<Int32> = [5, 6, 7, 11, 12, 17, 18]
        for row in 0..<height {
          var last: Int32 = 2
          for place in (row * width)..<((row + 1) * width) {
            if thin.contains(values[place]) { values[place] = last } else { last = values[place] }
          }
        }
        return Labels(labels.shape, values)
      }
    }
  }
}
