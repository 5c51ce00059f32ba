import SegKernels

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

  /// Every registered model. Nothing is computed: the networks are captured.
  public static func all() throws -> [ModelListing] { try ModelRegistry.names.map(ModelListing.init) }

  /// The facts of one model.
  public init(_ name: ModelName) throws {
    let model = try ModelRegistry.build(name)
    let shape: Shape = [1, model.inputChannels, model.inputSize.height, model.inputSize.width]
    let graph = Graph.capture(inputs: [shape]) { [model.network($0[0])] }
    self.name = model.name.rawValue
    parameters = model.network.parameterCount
    gigaMultiplyAdds = Double(graph.floatingPointOperations) / 2e9
    input = shape.dimensions
    output = graph.values[graph.outputs[0]].shape.dimensions
    weights = model.publishedWeights
  }
}
