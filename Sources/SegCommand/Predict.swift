#if Tools
  import ArgumentParser
  import Foundation
  import SegPipelines

  struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Segment photographs.",
      discussion: """
        Writes <stem>_labels.png (palette indices, at the photograph's own size) and <stem>_overlay.png; with --format \
        instead what a benchmark's server takes. Models that find things write <stem>_overlay.png, things outlined, and \
        panoptic.json with the folder panoptic in COCO's format. Models that tell depth write <stem>_depth.png (16 \
        bits, 256 a metre, as KITTI) and <stem>_depth_color.png, near depths light; those that tell classes as well \
        (multitask_…) write all four.
        """)

    @OptionGroup var options: ModelOptions
    @OptionGroup var normalization: NormalizationOptions
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var view: ViewOptions
    @Option(help: "The folder for the results; beside each photograph by default.")
    var out: String?
    @Flag(help: "Also write the probability of every class (<stem>_probabilities.npy).") var probabilities = false
    @Flag(help: "Also write the probability of the likeliest class (<stem>_confidence.png).") var confidence = false
    @Flag(help: "Also write how undecided the network is (<stem>_entropy.png).") var entropy = false
    @Option(
      help: """
        Write the files of a benchmark's server instead: \
        \(ServerFormat.allCases.map(\.rawValue).joined(separator: ", ")).
        """)
    var format: ServerFormat?
    @Flag(help: "Overwrite results that exist.") var force = false
    @Flag(help: "Print one JSON object.") var json = false
    @Argument(help: "PNG or JPEG files.") var images: [String]

    func run() throws {
      try reportingErrors {
        try threads.apply()
        var extras = Prediction.Extras()
        extras.probabilities = probabilities
        extras.confidence = confidence
        extras.entropy = entropy
        let views = try view.views(), loaded = try normalization.apply(to: options.load())
        if loaded.model.panoptic != nil || loaded.model.output == .depth {
          guard format == nil && !(probabilities || confidence || entropy) else {
            let what = loaded.model.panoptic != nil ? "finds things" : "tells depth"
            throw UsageError("'\(loaded.model.name)' \(what): expected neither --format nor pictures of classes")
          }
          return try loaded.model.panoptic != nil ? predictThings(loaded, views) : predictDepth(loaded, views)
        }
        if loaded.model.multiTask != nil {
          guard format == nil else {
            throw UsageError("'\(loaded.model.name)' tells depth as well: expected no --format")
          }
          return try predictBoth(loaded, views, extras)
        }
        let segmenter = try Segmenter(loaded)
        if let caution = segmenter.caution(with: views) { Console.note("note: \(caution)") }
        guard format == nil || !(probabilities || confidence || entropy) else {
          throw UsageError("--format: expected no other pictures beside a server's files")
        }
        let export = try format.map {
          try ServerExport(
            $0, classes: segmenter.classes, folder: URL(fileURLWithPath: out ?? "."), overwrite: force)
        }
        let prediction = try Prediction(
          segmenter, folder: out.map { URL(fileURLWithPath: $0) }, views: views, extras: extras,
          overwrite: force)
        let results = try images.map { image in
          let url = URL(fileURLWithPath: image)
          let result = try export.map { try prediction.run(url, exporting: $0) } ?? prediction.run(url)
          if !json { show(result) }
          return result
        }
        try export?.finish()
        if json { try Console.json(results) }
      }
    }
  }

  extension Predict {
    private func show(_ result: Prediction.Result) {
      let shares = result.classes.prefix(4).map { "\($0.name) \(Console.percent($0.share)) %" }
      print(
        "\(result.image): \(result.width)×\(result.height), \(String(format: "%.2f", result.seconds)) s: "
          + shares.joined(separator: ", "))
      for file in result.files { print("  \(file)") }
    }

    private func show(_ result: DepthPrediction.Result) {
      let depths = [result.nearest, result.median, result.farthest].map { String(format: "%.1f", $0) }
      print(
        "\(result.image): \(result.width)×\(result.height), \(String(format: "%.2f", result.seconds)) s: "
          + "\(depths[0]) to \(depths[2]), median \(depths[1])")
      for file in result.files { print("  \(file)") }
    }

    private func predictBoth(_ loaded: LoadedModel, _ views: Segmenter.Views, _ extras: Prediction.Extras) throws {
      let prediction = try MultiTaskPrediction(
        loaded, folder: out.map { URL(fileURLWithPath: $0) }, views: views, extras: extras, overwrite: force)
      let results = try images.map { image in
        let result = try prediction.run(URL(fileURLWithPath: image))
        if !json {
          show(result.segmentation)
          show(result.depth)
        }
        return result
      }
      if json { try Console.json(results) }
    }
  }

  extension Predict {
    private func predictThings(_ loaded: LoadedModel, _ views: Segmenter.Views) throws {
      let prediction = try PanopticPrediction(
        PanopticSegmenter(loaded), folder: URL(fileURLWithPath: out ?? "."), views: views, overwrite: force)
      let results = try images.map { image in
        let result = try prediction.run(URL(fileURLWithPath: image))
        if !json {
          let things = result.segments.filter(\.isThing).count
          print(
            "\(result.image): \(result.width)×\(result.height), \(String(format: "%.2f", result.seconds)) s: "
              + "\(things) things, \(result.segments.count - things) regions of stuff")
          for file in result.files { print("  \(file)") }
        }
        return result
      }
      let file = try prediction.finish()
      if json { try Console.json(results) } else { print(file.relativePath) }
    }
  }

  extension Predict {
    private func predictDepth(_ loaded: LoadedModel, _ views: Segmenter.Views) throws {
      let prediction = try DepthPrediction(
        DepthEstimator(loaded), folder: out.map { URL(fileURLWithPath: $0) }, views: views, overwrite: force)
      let results = try images.map { image in
        let result = try prediction.run(URL(fileURLWithPath: image))
        if !json { show(result) }
        return result
      }
      if json { try Console.json(results) }
    }
  }

  extension ServerFormat: ExpressibleByArgument {}
#endif
