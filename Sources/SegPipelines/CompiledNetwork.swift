import SegKernels

/// A network compiled for the size of image that it was last given: sequences have one size, folders few.
///
/// It stays what the network was when a size first came up: load weights before. Not Sendable: one a thread.
public final class CompiledNetwork {
  /// The network underneath.
  public let network: any UnaryModule
  private let weights = PackedWeights()
  private var session: Program.Session?

  /// Nothing is compiled before the first image.
  public init(_ network: any UnaryModule) { self.network = network }

  /// What the network makes of images N×C×H×W. Images without pixels go to the network itself.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    guard x.count > 0 else { return network(x) }
    if session?.program.inputShapes[0] != x.shape {
      // The old one's memory goes before the new one's comes.
      session = nil
      session = network.compiled(for: x.shape, sharing: weights).makeSession()
    }
    return session!([x])[0]
  }
}
