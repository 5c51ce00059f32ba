import SegData
import SegFFNet
import SegImages
import SegKernels
import SegMetrics
import SegTraining

/// Which score tells wrong pixels from right ones on a frame some frames after a labelled one?
struct CorrectnessStudy {
  /// By predictor.
  let metrics: [String: [RunResult.Metric]]
  let notes: [String]

  /// Frames between the labelled and the unlabelled one.
  static let gaps = [1, 5, 15, 30]

  /// - Parameter count: clips; as many others give the calibration its samples.
  init(
    _ network: FFNet, _ streets: StreetScenes, _ features: FeatureNetwork, count: Int, seed: UInt64,
    _ report: (Int, Int) -> Void
  ) {
    let predictors = PerceptualConsistencyReproduction.predictors
    let extractor = FeatureExtractor(features), segmenter = FrameSegmenter(network)
    var found = Dictionary(
      uniqueKeysWithValues: predictors.map { ($0, CorrectnessStudy.gaps.map { _ in ErrorDetection() }) })
    let fitting = max(count / 4, 1)
    var samples: [(consistency: Float, confidence: Float, isRight: Bool)] = []
    var calibrated = CorrectnessPrediction.Calibrated(fitting: [])
    for number in 0..<(fitting + count) {
      // Clips for the fit come from behind those that are scored.
      let isFitting = number < fitting
      let clip = streets.clip(at: isFitting ? count + number : number - fitting, frames: 31)
      if number == fitting { calibrated = CorrectnessPrediction.Calibrated(fitting: samples) }
      let frames = clip.frames(at: [0] + CorrectnessStudy.gaps)
      let labelled = frames[0], labelledFeatures = extractor(labelled.image)
      for index in CorrectnessStudy.gaps.indices {
        let frame = frames[index + 1], size = Pair(height: frame.image.height, width: frame.image.width)
        let logits = resize(segmenter.logits(frame.image), to: size), probabilities = softmax(logits)
        let prediction = argmax(logits).reshaped([size.height, size.width])
        let confidence = probabilities.maximum(axes: [1]).reshaped(size.height, size.width)
        let logs = logSoftmax(logits), entropy = -(logs.exp() * logs).sum(axes: [1])
        let correctness = CorrectnessPrediction(
          features: extractor(frame.image), prediction: prediction, labelledFeatures: labelledFeatures,
          truth: labelled.labels)
        let consistency = correctness.consistency(height: size.height, width: size.width)
        let flow = DenseInverseSearch()(from: frame.image, to: labelled.image)
        let warped = flow.pull(labelled.labels, missing: -1)
        let (c, q, e) = (consistency.scalars, confidence.scalars, entropy.scalars)
        let learnt = isFitting ? [] : calibrated(consistency: consistency, confidence: confidence).scalars
        let (truth, own) = (frame.labels.values, prediction.values)
        let (same, along) = (labelled.labels.values, warped.values)
        // Every fourth row and column: neighbours say the same.
        for row in stride(from: 1, to: size.height, by: 4) {
          for column in stride(from: 1, to: size.width, by: 4) {
            let place = row * size.width + column
            guard truth[place] != 255 else { continue }
            let isRight = own[place] == truth[place]
            if isFitting {
              samples.append((c[place], q[place], isRight))
              continue
            }
            func add(_ name: String, _ score: Float) {
              found[name]![index].add(suspicion: -score, isError: !isRight)
            }
            add("pc-confidence", c[place] * q[place])
            add("pc-calibrated", learnt[place])
            add("confidence", q[place])
            add("entropy", -e[place])
            add("same-pixel", (same[place] == own[place] ? 1 : 0) * q[place])
            add("warped-pixel", (along[place] == own[place] ? 1 : 0) * q[place])
          }
        }
      }
      report(number + 1, fitting + count)
    }
    metrics = found.mapValues { byGap in
      let whole = byGap.dropFirst().reduce(into: byGap[0]) { $0 += $1 }.figures
      return [
        RunResult.Metric("AUROC", whole.auroc), RunResult.Metric("AUPR", whole.aupr),
        RunResult.Metric("FPR at 95 % TPR", whole.fprAt95TPR, higherIsBetter: false),
        RunResult.Metric("AURC", whole.aurc, higherIsBetter: false),
      ]
        + zip(CorrectnessStudy.gaps, byGap).map { RunResult.Metric("AUROC, gap \($0)", $1.figures.auroc) }
    }
    notes = ["seed \(seed): calibration fitted on \(fitting) clips of their own: weights \(calibrated.weights)"]
  }
}
