import SegImages
import SegKernels

/// A network that adapts itself to a video: what AuxAdapt is compared with.
///
/// One step a frame, output before the step. Not Sendable: one a video.
public final class SelfAdapter {
  /// What it learns.
  public enum Objective: String, Sendable, Hashable, Codable {
    /// Cross entropy with its own decisions, all weights.
    case pseudoLabel
    /// The entropy of its soft-max outputs, scales and shifts of the norms alone, which normalise by each frame: Tent
    /// (Wang et al., "Tent: Fully Test-Time Adaptation by Entropy Minimization", 2021).
    case tent
  }

  private let adapted: AdaptedNetwork
  private let objective: Objective
  private let normalization: ImageNormalization
  private let divisor: Int

  /// A network that adapts itself while a video runs.
  ///
  /// - Parameters:
  ///   - network: belongs to the adapter from now on.
  ///   - objective: what it learns from.
  ///   - normalization: how images become inputs.
  ///   - divisor: what the sides of an image are best multiples of.
  ///   - learningRate: of SGD.
  ///   - momentum: of SGD.
  public init(
    _ network: any UnaryModule, _ objective: Objective, normalization: ImageNormalization = .imageNet,
    divisor: Int = 32, learningRate: Float = 1e-3, momentum: Float = 0.9
  ) {
    self.objective = objective
    self.normalization = normalization
    self.divisor = divisor
    if objective == .tent {
      let norms = Set(
        SelfAdapter.norms(of: network).flatMap { [ObjectIdentifier($0.weight), ObjectIdentifier($0.bias)] })
      for parameter in network.parameters { parameter.isFrozen = !norms.contains(ObjectIdentifier(parameter)) }
    }
    adapted = AdaptedNetwork(
      network, SGD(learningRate: learningRate, momentum: momentum), isTraining: objective == .tent)
  }

  /// Segments the next frame and learns from it.
  public func callAsFunction(_ image: Image) -> AuxAdapter.Frame {
    let frame = PreparedFrame(image, normalization, divisor: divisor)
    var logits: Tensor?
    let (loss, gradients) = adapted.gradients { network in
      let z = network(frame.x)
      logits = z.detached()
      switch objective {
      case .pseudoLabel: return crossEntropy(z, frame.pseudoLabels(logits!, ignored: -100), ignoreIndex: -100)
      case .tent:
        let logs = logSoftmax(z)
        return -(logs.exp() * logs).sum() / Float(z.count / z.shape[1])
      }
    }
    if loss.isFinite && gradients.isFinite { adapted.step(gradients) }
    return AuxAdapter.Frame(labels: frame.labels(logits!), logits: logits!)
  }

  /// Every norm of a tree of modules.
  private static func norms(of module: any Module) -> [BatchNorm2d] {
    (module as? BatchNorm2d).map { [$0] } ?? module.children.flatMap { norms(of: $0.module) }
  }
}
