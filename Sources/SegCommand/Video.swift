#if Tools
  import ArgumentParser
  import Foundation
  import SegAuxAdapt
  import SegPerceptualConsistency
  import SegPipelines
  import SegPretrained

  struct Video: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Segment a video: Y4M on stdin, Y4M on stdout.",
      discussion: """
        8 bits, 4:2:0, 4:2:2 or 4:4:4. With ffmpeg: ffmpeg -i in.mp4 -f yuv4mpegpipe -pix_fmt yuv420p - | segkernels \
        video | ffmpeg -i - out.mp4. The rate and the figures of consistency go to stderr. \
        Documentation/AuxAdapt.md tells of --adapt.
        """)

    @OptionGroup var options: ModelOptions
    @OptionGroup var normalization: NormalizationOptions
    @OptionGroup var threads: ThreadOptions
    @Option(help: "overlay: the frames with their labels laid over. labels: grey samples that are the labels.")
    var output = VideoSegmentation.Output.overlay
    @Option(help: "auxadapt: a small second network learns on the way.") var adapt: Adaptation?
    @Option(help: "The small network's name; the model's own by default.") var auxModel: String?
    @Option(help: "Its weights; the model's own by default.") var auxWeights: String?
    @OptionGroup var adaptation: AdaptationOptions
    @Flag(help: "Measure TC (by estimated flow) and PC as well: slower.") var consistency = false
    @Option(help: "Features of PC: a ResNet-18 with torchvision's keys; those that come with the program by default.")
    var features: String?
    @Flag(help: "Print the summary as one JSON object, on stderr.") var json = false

    enum Adaptation: String, ExpressibleByArgument { case auxadapt }

    func run() throws {
      try reportingErrors {
        try threads.apply()
        guard adapt != nil || (auxModel == nil && auxWeights == nil) else {
          throw UsageError("--aux-model and --aux-weights are of use with --adapt auxadapt only")
        }
        let model = try normalization.apply(to: options.load())
        let auxiliary = try adapt.map { _ in
          var other = options
          if let auxModel { other.model = auxModel }
          if let auxWeights {
            other.weights = auxWeights
            if auxModel == nil { other.model = nil }
          }
          let isTheSame = auxModel == nil && auxWeights == nil
          return (model: try other.load(isNoted: isTheSame), configuration: try adaptation.configuration())
        }
        let network = try consistency ? featureNetwork(features) : nil
        let video = try VideoSegmentation(model, auxiliary: auxiliary, output: output, features: network)
        var line = RateLine()
        let summary = try video.run(from: STDIN_FILENO, to: STDOUT_FILENO) { line.show($0, $1) }
        line.finish()
        for restart in summary.restarts where ["nonFinite", "collapse"].contains(restart.reason) {
          Console.note("note: frame \(restart.frame): the AuxNet went back to its start: \(restart.reason)")
        }
        if json {
          let encoder = JSONEncoder()
          encoder.outputFormatting = [.sortedKeys]
          return Console.note(String(decoding: try encoder.encode(summary), as: UTF8.self))
        }
        Console.note(text(summary))
      }
    }

    private func text(_ summary: VideoSegmentation.Summary) -> String {
      let each = summary.segmentationSeconds * 1000 / Double(max(summary.frames, 1))
      var text = "\(summary.frames) frames, " + String(format: "%.1f ms each", each)
      if summary.labelChangeRate != nil { text += ", label changes \(Console.percent(summary.labelChangeRate)) %" }
      if summary.temporalConsistency != nil { text += ", TC \(Console.percent(summary.temporalConsistency)) %" }
      if summary.perceptualConsistency != nil { text += ", PC \(Console.percent(summary.perceptualConsistency)) %" }
      if let updates = summary.updates { text += ", \(updates) updates, \(summary.restarts.count) restarts" }
      return text + (summary.isReaderGone ? "; the reader of the result went before the end" : "")
    }
  }

  /// The choices of AuxAdapt by their names.
  struct AdaptationOptions: ParsableArguments {
    @Option(help: "Whose cross entropy is made small: own or sum.") var loss = AuxAdaptConfiguration.Loss.own
    @Option(help: "sgd or adam.") var optimizer = AuxAdaptConfiguration.OptimizerKind.sgd
    @Option(help: "The optimizer's step size.") var rate: Float = 1e-3
    @Option(help: "How many times smaller the AuxNet's input is.") var downscale = 2
    @Option(help: "What the AuxNet's batch norms do: frozen or training.")
    var batchNorms = AuxAdaptConfiguration.BatchNorms.frozen
    @Option(help: "When the AuxNet goes back to its start: never, clips or cuts.")
    var reset = AuxAdaptConfiguration.Reset.cuts
    @Flag(help: "Learn from a frame while MainNet looks at the next one.") var overlap = false

    func configuration() throws -> AuxAdaptConfiguration {
      var configuration = AuxAdaptConfiguration()
      (configuration.loss, configuration.optimizer, configuration.learningRate) = (loss, optimizer, rate)
      (configuration.downscale, configuration.batchNorms, configuration.reset) = (downscale, batchNorms, reset)
      configuration.isOverlapped = overlap
      if let problem = configuration.problem { throw UsageError(problem) }
      return configuration
    }
  }

  /// The features of a file, or those that come with the program.
  func featureNetwork(_ file: String?) throws -> FeatureNetwork {
    try file.map { try FeatureNetwork(contentsOf: URL(fileURLWithPath: $0)) } ?? .bundled()
  }

  /// Frames and their rate on stderr: one line that redraws itself on a terminal, a line every ten seconds elsewhere.
  struct RateLine {
    private var lastReport = ContinuousClock.now
    private var isDrawn = false

    mutating func show(_ frames: Int, _ rate: Double) {
      let now = ContinuousClock.now
      guard frames == 1 || now - lastReport > (Console.isTerminal ? .milliseconds(200) : .seconds(10)) else { return }
      lastReport = now
      let text = "frame \(frames)  " + String(format: "%.2f frames a second", rate)
      if Console.isTerminal {
        isDrawn = true
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
      } else {
        Console.note(text)
      }
    }

    /// Leaves the redrawn line.
    func finish() { if isDrawn { Console.note("") } }
  }

  extension VideoSegmentation.Output: ExpressibleByArgument {}
  extension AuxAdaptConfiguration.Loss: ExpressibleByArgument {}
  extension AuxAdaptConfiguration.OptimizerKind: ExpressibleByArgument {}
  extension AuxAdaptConfiguration.BatchNorms: ExpressibleByArgument {}
  extension AuxAdaptConfiguration.Reset: ExpressibleByArgument {}
#endif
