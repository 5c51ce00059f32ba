#if Tools
  import ArgumentParser
  import Foundation
  import SegMetrics
  import SegPipelines

  struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Score a model on a labelled data set.",
      discussion: """
        Models that tell depth are scored on streets, kitti-odometry, kitti-raw or kitti-object, those that tell classes \
        as well (multitask_…) in both on streets and nyud; \
        --crop garg --median-scaling is how papers score networks whose poses were learnt on KITTI.
        """)

    @OptionGroup var options: ModelOptions
    @OptionGroup var normalization: NormalizationOptions
    @OptionGroup var threads: ThreadOptions
    @Option(help: "KIND or KIND:FOLDER; kinds: \(DataSource.kinds.joined(separator: ", ")).") var data: String
    @Option(help: "The part of the data.") var split = "val"
    @OptionGroup var view: ViewOptions
    @OptionGroup(title: "Models that tell depth") var depth: DepthOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
      try reportingErrors {
        try threads.apply()
        let views = try view.views(), source = try DataSource(data)
        let loaded = try normalization.apply(to: options.load())
        var line = ProgressLine()
        if loaded.model.panoptic != nil {
          let result = try PanopticEvaluation(PanopticSegmenter(loaded), on: source, split: split, views: views) {
            line.show($0, of: $1, "images")
          }
          return try json ? Console.json(result) : printScores(result)
        }
        if loaded.model.output == .depth {
          let result = try DepthModelEvaluation(
            DepthEstimator(loaded), on: source, split: split, rules: depth.rules(), views: views
          ) { line.show($0, of: $1, "images") }
          return try json ? Console.json(result) : printScores(result.scores)
        }
        if loaded.model.multiTask != nil {
          let result = try MultiTaskEvaluation(loaded, on: source, split: split, rules: depth.rules(), views: views) {
            line.show($0, of: $1, "images")
          }
          if json { return try Console.json(result) }
          printScores(result.segmentation)
          if let depth = result.depth { printScores(depth) }
          return
        }
        let segmenter = try Segmenter(loaded)
        let result = try Evaluation(segmenter, on: source, split: split, views: views) {
          line.show($0, of: $1, "images")
        }
        if json { try Console.json(result) } else { printScores(result) }
      }
    }
  }

  /// The errors of depth maps, a line each.
  func printScores(_ scores: DepthScores) {
    guard let mean = scores.mean else { return print("no image has a true depth that counts") }
    Console.table(
      [["error", "mean over \(scores.images) images"]]
        + [
          ("AbsRel", mean.absoluteRelative), ("SqRel", mean.squaredRelative), ("RMSE", mean.rmse),
          ("RMSElog", mean.rmseLog), ("δ < 1.25", mean.delta1), ("δ < 1.25²", mean.delta2), ("δ < 1.25³", mean.delta3),
        ].map { [$0.0, String(format: "%.4f", $0.1)] })
    if let factor = scores.medianFactor, let spread = scores.factorSpread {
      print(String(format: "median scaling: factor %.3f, spread %.3f", factor, spread))
    }
  }

  /// The table of categories, and the means.
  func printScores(_ result: PanopticEvaluation) {
    func cells(_ pq: Double?, _ sq: Double?, _ rq: Double?) -> [String] { [pq, sq, rq].map(Console.percent) }
    let scores = result.scores
    Console.table(
      [["category", "kind", "PQ %", "SQ %", "RQ %", "matched", "false", "missed"]]
        + scores.categories.map {
          [$0.category.name, $0.category.isThing ? "thing" : "stuff"] + cells($0.pq, $0.sq, $0.rq)
            + ["\($0.truePositives)", "\($0.falsePositives)", "\($0.falseNegatives)"]
        }
        + [("all", scores.all), ("things", scores.things), ("stuff", scores.stuff)].map { name, mean in
          [name, "\(mean.categories)"] + cells(mean.pq, mean.sq, mean.rq) + ["", "", ""]
        })
    print(
      "\(result.images) images of \(result.data) \(result.split), \(String(format: "%.3f", result.secondsPerImage)) s each"
    )
  }

  /// The table of classes and the line of means.
  func printScores(_ result: Evaluation) {
    Console.table(
      [["class", "IoU %", "accuracy %"]]
        + result.classes.map { [$0.name, Console.percent($0.iou), Console.percent($0.accuracy)] })
    print(
      """
      mIoU \(Console.percent(result.meanIoU)) % (\(Console.percent(result.meanIoUVoidCounted)) % with ignored pixels counted), \
      pixels \(Console.percent(result.pixelAccuracy)) %, class mean \(Console.percent(result.meanClassAccuracy)) %; \
      \(result.images) images of \(result.data) \(result.split), \(String(format: "%.3f", result.secondsPerImage)) s each
      """)
  }
#endif
