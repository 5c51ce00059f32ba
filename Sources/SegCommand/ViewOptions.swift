#if Tools
  import ArgumentParser
  import SegPipelines

  /// How a network looks at photographs: shared by `predict` and `evaluate`.
  struct ViewOptions: ParsableArguments {
    @Option(
      help: """
        What photographs are resized to for the network, HxW; by default their own size, or that of the only images an \
        ONNX file takes. Networks that can be asked at any resolution (ifa_…) see the photograph as it is: the result \
        has this size.
        """)
    var size: Size?
    @Option(help: "Slide a window of HxW over the photograph and average the logits where windows overlap.")
    var window: Size?
    @Flag(help: "Average the probabilities of several scales and of the mirror image.") var tta = false
    @Option(help: "The scales of --tta, with commas; 0.75,1,1.25 by default.") var scales: Scales?

    func views() throws -> Segmenter.Views {
      guard scales == nil || tta else { throw UsageError("--scales: expected --tta as well") }
      var views = tta ? scales.map { .augmented(scales: $0.factors) } ?? .augmented() : Segmenter.Views()
      views.size = size?.pair
      views.window = window?.pair
      return views
    }
  }

  /// Numbers with commas between.
  struct Scales: ExpressibleByArgument {
    let factors: [Float]

    init?(argument: String) {
      let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) }
      guard !parts.contains(nil) else { return nil }
      factors = parts.compactMap { $0 }
    }
  }
#endif
