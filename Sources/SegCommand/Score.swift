#if Tools
  import ArgumentParser
  import Foundation
  import SegMetrics
  import SegPerceptualConsistency
  import SegPipelines

  struct Score: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Score files that anyone's model wrote against the truth.",
      discussion: """
        Files of two folders are paired by name, up to the extension and the endings _labels, _leftImg8bit and \
        _gtFine_labelTrainIds. With --against DIR a second system is scored too, and the difference is given with its \
        95 % interval by paired bootstrap over images (temporal: over videos). Definitions: Documentation/Metrics.md.
        """,
      subcommands: [Semantic.self, Boundary.self, Panoptic.self, Depth.self, Temporal.self])

    /// What all metrics take.
    struct Files: ParsableArguments {
      @Option(help: "A file or folder of predictions.") var prediction: String
      @Option(help: "A file or folder of predictions of another system, to compare with.") var against: String?
      @Option(help: "How often images are drawn anew for --against.") var resamples = 2000
      @Option(help: "The seed of these draws.") var seed: UInt64 = 1
      @OptionGroup var threads: ThreadOptions
      @Flag(help: "Print one JSON object.") var json = false

      /// Scores the files, then prints JSON, or a table by `show` and the comparison.
      func score<Scores>(
        _ labels: LabelOptions? = nil, units: String = "images",
        _ score: (Scoring, Scoring.Report) throws -> Scoring.Result<Scores>,
        _ show: (Scores) -> Void
      ) throws {
        try reportingErrors {
          try threads.apply()
          var line = ProgressLine()
          let scoring = try Scoring(
            prediction: URL(fileURLWithPath: prediction), against: against.map { URL(fileURLWithPath: $0) },
            classes: labels?.classes, ignoreIndex: labels?.ignore ?? 255, resamples: resamples, seed: seed)
          let result = try score(scoring) { line.show($0, of: $1, units) }
          if json { return try Console.json(result) }
          show(result.scores)
          print("\(result.images) \(units)")
          if let comparisons = result.comparisons { showComparisons(comparisons) }
        }
      }

      private func showComparisons(_ comparisons: [Scoring.Comparison]) {
        let rows = comparisons.map { comparison -> [String] in
          let bootstrap = comparison.bootstrap
          let interval = bootstrap.interval.map { "\(number($0[0])) … \(number($0[1]))" } ?? "-"
          return [
            comparison.metric, number(bootstrap.a), number(bootstrap.b), number(bootstrap.difference), interval,
          ]
        }
        Console.table([["against \(against ?? "")", "prediction", "other", "difference", "95 % interval"]] + rows)
      }
    }

    /// What label maps need.
    struct LabelOptions: ParsableArguments {
      @Option(help: "The number of classes; one more than the greatest label by default.") var classes: Int?
      @Option(help: "The label of pixels that do not count.") var ignore = 255
    }

    struct Semantic: ParsableCommand {
      static let configuration = CommandConfiguration(abstract: "Mean IoU and its relatives of label maps.")
      @OptionGroup var files: Files
      @OptionGroup var labels: LabelOptions
      @Option(help: "A file or folder of true label maps.") var truth: String

      func run() throws {
        try files.score(labels) {
          try $0.semantic(truth: URL(fileURLWithPath: truth), $1)
        } _: { scores in
          Console.table(
            [["class", "IoU %", "accuracy %", "Dice %"]]
              + scores.classes.map {
                [$0.name, Console.percent($0.iou), Console.percent($0.accuracy), Console.percent($0.dice)]
              })
          print(
            """
            mIoU \(Console.percent(scores.meanIoU)) % (\(Console.percent(scores.meanIoUVoidCounted)) % with ignored \
            pixels counted), frequency-weighted \(Console.percent(scores.frequencyWeightedIoU)) %, \
            pixels \(Console.percent(scores.pixelAccuracy)) %, \
            class mean \(Console.percent(scores.meanClassAccuracy)) %, Dice \(Console.percent(scores.meanDice)) %
            """)
          if !scores.absentClasses.isEmpty { print("absent: \(scores.absentClasses.joined(separator: ", "))") }
        }
      }
    }

    struct Boundary: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Boundary F, boundary IoU and trimap IoU of label maps.")
      @OptionGroup var files: Files
      @OptionGroup var labels: LabelOptions
      @Option(help: "A file or folder of true label maps.") var truth: String

      func run() throws {
        try files.score(labels) {
          try $0.boundary(truth: URL(fileURLWithPath: truth), $1)
        } _: { scores in
          Console.table(
            [["distance", "mean F %", "over images %"]]
              + scores.levels.map {
                ["\($0.tolerance)", Console.percent($0.meanF), Console.percent($0.meanFOverImages)]
              })
          print("boundary IoU \(Console.percent(scores.boundaryIoU)) %")
          Console.table(
            [["band", "mIoU %"]] + scores.trimap.map { ["\($0.width) px", Console.percent($0.meanIoU)] })
        }
      }
    }

    struct Panoptic: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Panoptic quality of COCO's format: a JSON file and the folder of PNGs beside it.")
      @OptionGroup var files: Files
      @Option(help: "The true JSON file, or the folder beside it.") var truth: String

      func run() throws {
        try files.score {
          try $0.panoptic(truth: URL(fileURLWithPath: truth), $1)
        } _: { scores in
          func row(_ name: String, _ mean: PanopticScores.Mean) -> [String] {
            [name, Console.percent(mean.pq), Console.percent(mean.sq), Console.percent(mean.rq), "\(mean.categories)"]
          }
          Console.table([
            ["", "PQ %", "SQ %", "RQ %", "categories"], row("all", scores.all), row("things", scores.things),
            row("stuff", scores.stuff),
          ])
        }
      }
    }

    struct Depth: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Errors of depth maps: .npy files, or 16-bit PNGs of 256 a metre.")
      @OptionGroup var files: Files
      @Option(help: "A file or folder of true depth maps, 0 where nothing was measured.") var truth: String
      @Option(help: "What predictions hold: \(Scoring.DepthKind.allCases.map(\.rawValue).joined(separator: ", ")).")
      var kind: Scoring.DepthKind = .depth
      @Option(help: "PNG samples are divided by this to give metres.") var divisor = 256.0
      @OptionGroup var options: DepthOptions

      func run() throws {
        try files.score {
          try $0.depth(truth: URL(fileURLWithPath: truth), rules: options.rules(), kind: kind, divisor: divisor, $1)
        } _: { scores in
          let mean = scores.mean
          Console.table([
            ["AbsRel", "SqRel", "RMSE", "RMSElog", "log10", "δ < 1.25", "1.25²", "1.25³"],
            [
              number(mean?.absoluteRelative), number(mean?.squaredRelative), number(mean?.rmse), number(mean?.rmseLog),
              number(mean?.log10), number(mean?.delta1), number(mean?.delta2), number(mean?.delta3),
            ],
          ])
          if let factor = scores.medianFactor {
            print("median factor \(number(factor)), its spread \(number(scores.factorSpread)) of it")
          }
          if scores.skipped > 0 { print("\(scores.skipped) images without a depth that counts") }
        }
      }
    }

    struct Temporal: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Consistency of label maps over time; the frames of each folder are one video.")
      @OptionGroup var files: Files
      @OptionGroup var labels: LabelOptions
      @Option(help: "A folder of true label maps, for mVC.") var truth: String?
      @Option(help: "A folder of flow from each frame to the one before (.flo or KITTI's PNG), for TC.") var flow:
        String?
      @Option(help: "A folder of masks, not 0 where a pixel is hidden in the frame before.") var occlusion: String?
      @Option(help: "A folder of the frames themselves, for PC, and for TC where no flow is given.") var frames: String?
      @Option(help: "Features of PC: ResNet-18 with torchvision's keys; those that come with the program by default.")
      var features: String?
      @Option(help: "Look for matches at most so many positions (of 8 pixels) away; everywhere by default.")
      var window: Int?
      @Option(help: "A folder for timeline.svg, and <frame>_pc.png of each frame.") var out: String?
      @Flag(help: "Overwrite pictures that exist.") var force = false

      func run() throws {
        try files.score(labels, units: "frames") {
          guard frames != nil || (features == nil && out == nil && window == nil) else {
            throw UsageError("--features, --window and --out are of use with --frames only")
          }
          guard (window ?? 0) >= 0 else { throw UsageError("--window: expected at least 0, found \(window!)") }
          let looks = try frames.map {
            Scoring.Frames(
              URL(fileURLWithPath: $0), features: try featureNetwork(features),
              search: window.map { PerceptualConsistency.Search.window(radius: $0) } ?? .everywhere,
              pictures: out.map { URL(fileURLWithPath: $0) },
              overwrite: force)
          }
          return try $0.temporal(
            truth: truth.map { URL(fileURLWithPath: $0) }, flow: flow.map { URL(fileURLWithPath: $0) },
            occlusion: occlusion.map { URL(fileURLWithPath: $0) }, frames: looks, $1)
        } _: { scores in
          showFrames(scores)
          var rows = [["label changes", Console.percent(scores.labelChangeRate)]]
          if let score = scores.perceptualConsistency { rows.append(["PC", Console.percent(score)]) }
          if let score = scores.temporalConsistency { rows.append(["TC", Console.percent(score)]) }
          if let score = scores.visibleTemporalConsistency {
            rows.append(["TC without occluded pixels", Console.percent(score)])
            rows.append(["agreement along flow", Console.percent(scores.visibleAgreement)])
          }
          rows += scores.videoConsistency.map {
            ["mVC\($0.frames) (\($0.windows) windows)", Console.percent($0.score)]
          }
          Console.table([["\(scores.videos) videos", "%"]] + rows)
        }
      }

      /// A row a frame.
      private func showFrames(_ scores: TemporalScores) {
        let lengths = scores.videoConsistency.map(\.frames)
        Console.table(
          [["frame", "PC %", "TC %"] + lengths.map { "mVC\($0) %" } + ["changes %"]]
            + scores.perFrame.map { frame in
              [frame.name, Console.percent(frame.perceptualConsistency), Console.percent(frame.temporalConsistency)]
                + lengths.indices.map { Console.percent(frame.videoConsistency[$0]) }
                + [Console.percent(frame.labelChangeRate)]
            })
        print("")
      }
    }
  }

  extension Scoring.DepthKind: ExpressibleByArgument {}

  /// Four decimals; "-" where there is no number.
  private func number(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "-" }
#endif
