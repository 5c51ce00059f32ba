#if Tools
  import ArgumentParser
  import SegMetrics
  import SegPipelines

  /// Which depths count: shared by `score depth` and `evaluate`.
  struct DepthOptions: ParsableArguments {
    @Option(help: "Metres: nearer depths do not count.") var least = 1e-3
    @Option(help: "Metres: farther depths do not count.") var most = 80.0
    @Option(
      help:
        "The part of the image that counts: \(DepthProtocol.Crop.allCases.map(\.rawValue).joined(separator: ", ")).")
    var crop: DepthProtocol.Crop = .none
    @Flag(help: "Scale each prediction of depth to the truth's median.") var medianScaling = false

    func rules() throws -> DepthProtocol {
      guard least > 0, least < most else {
        throw UsageError("expected 0 < --least < --most, found \(least) and \(most)")
      }
      return DepthProtocol(least: least, most: most, crop: crop, scalesByMedian: medianScaling)
    }
  }

  extension DepthProtocol.Crop: ExpressibleByArgument {}
#endif
