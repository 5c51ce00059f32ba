import SegKernels

/// A network compiled for the size of image that it was last given: sequences have one size, folders few.
///
/// It stays what the network was when a size first came up: load weights before. Not Sendable: one a thread.
public final class CompiledNetwork {
  /// The network underneath.
  public let network: any UnaryModule
  private let weights = PackedWeights()
  private var session: Program.Session?
  private var positions: QueryPositions?

  /// Nothing is compiled before the first image.
  public init(_ network: any UnaryModule) { self.network = network }

  /// What the network makes of images N×C×H×W. Images without pixels go to the network itself.
  ///
  /// - Parameters:
  ///   - x: N×C×H×W.
  ///   - positions: where a `ResolutionFree` network is asked; others trap.
  public func callAsFunction(_ x: Tensor, at positions: QueryPositions? = nil) -> Tensor {
    guard x.count > 0 else { return answer(x, positions) }
    if session?.program.inputShapes[0] != x.shape || self.positions != positions {
      // The old one's memory goes before the new one's comes.
      session = nil
      let graph = Graph.capture(inputs: [x.shape], parameters: network) { [answer($0[0], positions)] }
      session = Program(graph, sharing: weights).makeSession()
      self.positions = positions
    }
    return session!([x])[0]
  }

  private func answer(_ x: Tensor, _ positions: QueryPositions?) -> Tensor {
    guard let positions else { return network(x) }
    guard let network = network as? any ResolutionFree else {
      preconditionFailure("CompiledNetwork: \(type(of: network)) cannot be asked at positions of one's own")
    }
    return network(x, at: positions)
  }
}
