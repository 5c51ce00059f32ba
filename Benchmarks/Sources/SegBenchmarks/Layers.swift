import ArgumentParser
import SegKernels
import SegOperationTable
import SegPipelines

/// `benchmarks layers`: the convolutions of real networks.
struct Layers: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time the convolutions of real networks, with every algorithm.",
    discussion: """
      Each as a step of a compiled network, by the algorithm that the package chooses and by the others that can, and \
      the three products of training. GFLOP/s are effective: those of the definition, whatever the algorithm does.
      """)

  /// Where the layers come from.
  enum Source: String, CaseIterable, ExpressibleByArgument {
    case ffnet, resnet50, ifa, pisr
  }

  @OptionGroup var options: RunOptions
  @Option(help: "Only the layers of ffnet (78S_dBBB_mobile), resnet50, ifa or pisr; repeatable.") var network:
    [Source] = []
  @Option(help: "Images at once, for captured networks.") var batch = 1
  @Option(help: "Rows of the image, for captured networks.") var height = 512
  @Option(help: "Columns of the image, for captured networks.") var width = 1024
  @Flag(inversion: .prefixedNo, help: "Time inference.") var inference = true
  @Flag(inversion: .prefixedNo, help: "Time the products of training.") var training = true

  func run() throws {
    try options.run {
      guard batch > 0, height > 0, width > 0 else { throw UsageError("batch, height and width must be positive") }
      return try (network.isEmpty ? Source.allCases : network).flatMap { source in
        try ConvolutionLayer.list(of: graph(source)).flatMap { layer, count in
          workloads(layer, prefix: "\(source.rawValue) \(count > 1 ? "\(count)× " : "")\(layer.label)")
        }
      }
    }
  }

  private func graph(_ source: Source) throws -> Graph {
    func captured(_ name: ModelName) throws -> Graph {
      let model = try ModelRegistry.build(name)
      return Graph.capture(inputs: [[batch, model.inputChannels, height, width]]) { [model.network($0[0])] }
    }
    switch source {
    case .ffnet: return try captured(.ffnet78S_dBBB_mobile)
    case .resnet50: return try captured("resnet50")
    case .ifa: return LayerLists.ifa
    case .pisr: return LayerLists.pisr
    }
  }

  private func workloads(_ layer: ConvolutionLayer, prefix: String) -> [Workload] {
    func workload(_ name: String, _ prepare: @escaping () -> () -> Duration) -> Workload {
      Workload(
        name: "\(prefix): \(name)", floatingPointOperations: layer.floatingPointOperations,
        bytes: 4 * [layer.input, layer.weight, layer.output].reduce(0) { $0 + $1.elementCount }, prepare: prepare)
    }
    let ways = inference ? layer.algorithms : []
    return ways.enumerated().map { index, algorithm in
      workload("\(algorithm)\(index == 0 ? " (chosen)" : "")") { layer.inference(by: algorithm) }
    }
      + (training ? ConvolutionLayer.Product.allCases : []).map { product in
        workload(product.rawValue) { layer.training(product) }
      }
  }
}
