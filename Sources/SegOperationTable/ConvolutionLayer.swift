import SegKernels

/// One convolution of a real network, and every way in which the package computes it: what benchmarks of layers time.
public struct ConvolutionLayer: Sendable {
  /// The image and the weight, N×C×H×W and O×(C/groups)×kH×kW.
  public let input: Shape, weight: Shape
  /// N×O×h×w.
  public let output: Shape
  /// `3×3 stride 2, 64→128, 128×256`: kernel, what is not the default, channels, and the image's size.
  public let label: String
  /// A multiply-add counts 2.
  public let floatingPointOperations: Int
  private let operation: any TensorOperation

  /// The convolutions of a network in the order of their first appearance, and how often each appears.
  public static func list(of graph: Graph) -> [(layer: ConvolutionLayer, count: Int)] {
    var layers: [(layer: ConvolutionLayer, count: Int)] = []
    for node in graph.nodes where node.operation.name == "conv2d" {
      let layer = ConvolutionLayer(node.operation, node.inputs.prefix(2).map { graph.values[$0].shape })
      if let known = layers.firstIndex(where: { $0.layer.label == layer.label && $0.layer.input == layer.input }) {
        layers[known].count += 1
      } else {
        layers.append((layer, 1))
      }
    }
    return layers
  }

  private init(_ operation: any TensorOperation, _ inputs: [Shape]) {
    self.operation = operation
    (input, weight) = (inputs[0], inputs[1])
    output = operation.outputShapes(inputs)[0]
    floatingPointOperations = operation.floatingPointOperations(inputs)
    let words = operation.attributes.compactMap { name, value -> String? in
      switch (name, value) {
      case ("stride", .integers(let steps)) where steps != [1, 1]: "stride \(steps[0])"
      case ("dilation", .integers(let steps)) where steps != [1, 1]: "dilation \(steps[0])"
      case ("groups", .integer(let groups)) where groups > 1: "\(groups) groups"
      default: nil
      }
    }
    let batch = input[0] == 1 ? "" : ", \(input[0]) images"
    label =
      (["\(weight[2])×\(weight[3])"] + words).joined(separator: " ")
      + ", \(input[1])→\(weight[0]), \(input[2])×\(input[3])\(batch)"
  }

  /// Runs once and says how long that took.
  public typealias Run = () -> Duration

  /// The algorithms of compiled networks that can do this layer; the one that the package chooses comes first.
  /// `columns` is the operation itself, where it has no compiled form.
  public var algorithms: [String] {
    let programs = [nil] + ConvolutionAlgorithm.allCases.map(Optional.some)
    return programs.map { compiled(by: $0, weight: .zeros(weight)).algorithm }.reduce(into: []) { found, algorithm in
      if !found.contains(algorithm) { found.append(algorithm) }
    }
  }

  /// The layer as a step of a compiled network: the convolution itself, and the transform of its weights where that is
  /// left to each run, without the conversion of layouts around it.
  ///
  /// - Parameter algorithm: one of ``algorithms``.
  public func inference(by algorithm: String) -> Run {
    let x = random(input, 1)
    let (program, steps, _) = compiled(by: ConvolutionAlgorithm(rawValue: algorithm), weight: random(weight, 2))
    let session = program.makeSession()
    return {
      let times = session.stepTimes([x])
      return steps.reduce(.zero) { $0 + times[$1].time }
    }
  }

  private func compiled(
    by forced: ConvolutionAlgorithm?, weight: Tensor
  ) -> (program: Program, steps: [Int], algorithm: String) {
    let program = Program(Graph.capture(inputs: [input]) { apply(operation, to: [$0[0], weight]) }, forcing: forced)
    if let step = program.summary.firstIndex(of: "operation conv2d") { return (program, [step], "columns") }
    // Steps that name channels; the convolution is the last of them.
    let steps = program.summary.indices.filter { program.summary[$0].contains("→") }
    return (program, steps, String(program.summary[steps.last!].prefix { $0 != " " }))
  }

  /// The products of a training step.
  public enum Product: String, CaseIterable, Sendable {
    case forward
    case dataGradient = "data gradient"
    case weightGradient = "weight gradient"
  }

  /// One product of a training step by itself, of tensors in the layouts that it meets inside a network.
  public func training(_ product: Product) -> Run {
    var inputs = [random(input, 1), random(weight, 2)]
    let fresh = OperationContext(
      isRecording: true, needsGradient: [product != .weightGradient, product != .dataGradient],
      inputShapes: inputs.map(\.shape))
    var saved = fresh
    let dy = random(output, 3).inLayout(operation.forward(inputs, &saved)[0].layout)
    inputs[0] = inputs[0].inLayout(saved.saved[0].layout)
    return { [operation, saved, inputs] in
      ContinuousClock().measure {
        if product == .forward {
          var context = fresh
          _ = operation.forward(inputs, &context)
        } else {
          _ = operation.backward([dy], saved)
        }
      }
    }
  }

  private func random(_ shape: Shape, _ stream: Int) -> Tensor {
    var random = RandomSource(seed: 1).stream(stream)
    return .normal(shape, using: &random)
  }
}
