import SegFormats
import SegImages
import SegKernels
import SegPretrained
import SegTraining

/// One line of `segkernels models`.
public struct ModelListing: Sendable, Hashable, Codable {
  /// The full name.
  public let name: String
  /// Learnable scalars.
  public let parameters: Int
  /// Multiply-adds of one image of the published size, in 10⁹.
  public let gigaMultiplyAdds: Double
  /// N×C×H×W of the published input and of the output.
  public let input: [Int]
  /// N×classes×h×w, or N×classes.
  public let output: [Int]
  /// The published weights file.
  public let weights: String?
  /// Weights that are part of the program.
  public let bundled: [Bundled]

  /// Weights that need no file.
  public struct Bundled: Sendable, Hashable, Codable {
    /// What `--weights` calls them.
    public let name: String
    /// What they know.
    public let classes: [String]
    /// The terms of their data, where these limit what they may be used for.
    public let restriction: String?
  }

  /// Every registered model. Nothing is computed: the networks are captured.
  ///
  /// - Parameter bundled: the weights that the program comes with.
  public static func all(bundled: [BundledWeights] = BundledWeights.models) throws -> [ModelListing] {
    let cards = try bundled.compactMap { weights in
      ModelCard(metadata: try weights.archive().metadata).map { (weights, $0) }
    }
    return try ModelRegistry.names.map { name in
      try ModelListing(
        name,
        bundled: cards.filter { $0.1.model == name.rawValue }.map {
          Bundled(name: $0.0.name, classes: $0.1.classes.names, restriction: $0.0.restriction)
        })
    }
  }

  private init(_ name: ModelName, bundled: [Bundled]) throws {
    self.bundled = bundled
    let model = try ModelRegistry.build(name)
    let shape: Shape = [1, model.inputChannels, model.inputSize.height, model.inputSize.width]
    let graph = Graph.capture(inputs: [shape]) { model.outputs($0[0]) }
    self.name = model.name.rawValue
    parameters = model.network.parameterCount
    gigaMultiplyAdds = Double(graph.floatingPointOperations) / 2e9
    input = shape.dimensions
    output = graph.values[graph.outputs[0]].shape.dimensions
    weights = model.publishedWeights
  }
}
