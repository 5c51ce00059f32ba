#if Tools
  import ArgumentParser
  import Foundation
  import SegFormats
  import SegKernels
  import SegPipelines
  import SegPretrained
  import SegPretrainedResearch

  /// `--model` and `--weights`, shared by the verbs that use a network.
  struct ModelOptions: ParsableArguments {
    @Option(
      help: """
        A model's published name (see 'segkernels models'), or an ONNX file. May be left out where the weights name \
        theirs.
        """)
    var model: String?

    @Option(
      help: """
        A weights file (safetensors, or a PyTorch checkpoint), or weights that come with the program: \
        \(ModelOptions.bundled.map(\.name).joined(separator: ", ")). By default 'streets', unless --model asks for another model.
        """)
    var weights: String?

    /// The weights that this program comes with.
    static let bundled: [BundledWeights] = BundledWeights.models + [.camVid]

    /// Whether `--model` is the path of an ONNX file, which has its weights with it.
    var isONNXFile: Bool { model.map { ModelName($0).isONNXFile } ?? false }

    /// Builds the model and loads the weights; differences between file and model, and terms that limit the use of
    /// bundled weights, are noted on stderr unless they have been.
    func load(isNoted: Bool = false) throws -> LoadedModel {
      if let model, isONNXFile {
        guard weights == nil else { throw UsageError("--weights: an ONNX file has its own") }
        // They come from the file: the seed is not used.
        return try LoadedModel(ModelName(model), weights: .fresh(seed: 0))
      }
      if weights == nil, let model { try checkModelOfDefaultWeights(model) }
      let source = Weights(weights ?? BundledWeights.streets.name, bundled: ModelOptions.bundled)
      let loaded = try LoadedModel(model.map { ModelName($0) }, weights: source)
      if isNoted { return loaded }
      if case .bundled(let weights) = source, let restriction = weights.restriction {
        Console.note("note: the weights '\(weights.name)' come with terms: \(restriction)")
      }
      for difference in loaded.report.differences { Console.note("note: \(difference)") }
      return loaded
    }

    private func checkModelOfDefaultWeights(_ model: String) throws {
      let name = try ModelRegistry.resolve(ModelName(model))
      guard ModelOptions.modelOfDefaultWeights == name.rawValue else {
        throw UsageError("no weights of '\(name)' come with the program; expected --weights FILE")
      }
    }

    private static let modelOfDefaultWeights = (try? BundledWeights.streets.archive())?.metadata["model"]
  }

  /// `--mean` and `--std`.
  struct NormalizationOptions: ParsableArguments {
    @Option(help: "Mean of red, green and blue as shares of 1, as 0.485,0.456,0.406; by default the weights' own.")
    var mean: Statistics?
    @Option(help: "Standard deviation of red, green and blue, as --mean.") var std: Statistics?

    func apply(to model: LoadedModel) throws -> LoadedModel {
      try model.normalized(mean: mean?.values, deviation: std?.values)
    }

    /// Numbers between commas.
    struct Statistics: ExpressibleByArgument {
      let values: [Float]

      init?(argument: String) {
        let numbers = argument.split(separator: ",").map { Float($0) }
        values = numbers.compactMap { $0 }
        guard values.count == numbers.count else { return nil }
      }
    }
  }

  /// `--threads`.
  struct ThreadOptions: ParsableArguments {
    @Option(help: "Threads to use; all processors by default.")
    var threads: Int?

    func apply() throws {
      guard let threads else { return }
      guard threads >= 1 else { throw UsageError("--threads: expected at least 1, found \(threads)") }
      Threads.count = threads
    }
  }

  /// Rows and columns as HxW.
  struct Size: ExpressibleByArgument {
    let pair: Pair

    init?(argument: String) {
      let parts = argument.lowercased().split(separator: "x").map { Int($0) }
      guard parts.count == 2, let height = parts[0], let width = parts[1], (1...65536).contains(height),
        (1...65536).contains(width)
      else { return nil }
      pair = Pair(height: height, width: width)
    }
  }
#endif
