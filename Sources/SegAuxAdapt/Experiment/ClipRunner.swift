import SegImages
import SegKernels

/// One arm's way through one clip.
final class ClipRunner {
  private let segmentFrame: (Image) -> Labels

  /// A runner that begins a clip.
  init(_ method: AuxAdaptReproduction.Method, _ pair: NetworkPair) throws {
    func adapter(_ change: (inout AuxAdaptConfiguration) -> Void) -> AuxAdapter {
      var configuration = AuxAdaptConfiguration()
      change(&configuration)
      return AuxAdapter(
        main: pair.copy(of: pair.main), auxiliary: pair.copy(of: pair.auxiliary), configuration)
    }
    switch method {
    case .main:
      let network = FrozenNetwork(pair.copy(of: pair.main))
      segmentFrame = { network($0).labels }
    case .frozen:
      let main = FrozenNetwork(pair.copy(of: pair.main)), auxiliary = pair.copy(of: pair.auxiliary)
      let small = FrozenNetwork(auxiliary, downscale: 2)
      segmentFrame = { image in
        let frame = PreparedFrame(image, .imageNet, divisor: 64)
        let z = main.logits(frame.x)
        return frame.labels(z + resize(small.logits(frame.x), to: Pair(height: z.shape[2], width: z.shape[3])))
      }
    case .auxadapt:
      let adapter = adapter { _ in }
      segmentFrame = { adapter($0).labels }
    case .sum:
      let adapter = adapter { $0.loss = .sum }
      segmentFrame = { adapter($0).labels }
    case .itself:
      let adapter = SelfAdapter(pair.copy(of: pair.main), .pseudoLabel)
      segmentFrame = { adapter($0).labels }
    case .tent:
      let adapter = SelfAdapter(pair.copy(of: pair.main), .tent)
      segmentFrame = { adapter($0).labels }
    case .average:
      let network = FrozenNetwork(pair.copy(of: pair.main))
      var mean: Tensor?
      segmentFrame = { image in
        let frame = PreparedFrame(image, .imageNet, divisor: 32)
        let p = softmax(network.logits(frame.x))
        mean = mean.map { $0 * 0.5 + p * 0.5 } ?? p
        return frame.labels(mean!)
      }
    }
  }

  /// The AuxNet alone, which is no arm.
  init(auxiliaryOf pair: NetworkPair) {
    let network = FrozenNetwork(pair.copy(of: pair.auxiliary), downscale: 2)
    segmentFrame = { image in
      let frame = PreparedFrame(image, .imageNet, divisor: 64)
      return frame.labels(network.logits(frame.x))
    }
  }

  /// The labels of the next frame, and the seconds that they took.
  func segment(_ image: Image) -> (labels: Labels, seconds: Double) {
    let clock = ContinuousClock(), start = clock.now
    let labels = segmentFrame(image)
    return (labels, (clock.now - start).seconds)
  }
}

/// A network that stays as it is, compiled for the last size.
private final class FrozenNetwork {
  private let network: any UnaryModule
  private let downscale: Int
  private let weights = PackedWeights()
  private var session: Program.Session?

  init(_ network: any UnaryModule, downscale: Int = 1) {
    self.network = network
    self.downscale = downscale
  }

  func logits(_ x: Tensor) -> Tensor {
    let x =
      downscale == 1
      ? x : resize(x, to: Pair(height: x.shape[2] / downscale, width: x.shape[3] / downscale))
    if session?.program.inputShapes[0] != x.shape {
      session = network.compiled(for: x.shape, sharing: weights).makeSession()
    }
    return session!([x])[0]
  }

  func callAsFunction(_ image: Image) -> (labels: Labels, logits: Tensor) {
    let frame = PreparedFrame(image, .imageNet, divisor: 32), z = logits(frame.x)
    return (frame.labels(z), z)
  }
}
