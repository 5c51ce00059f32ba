import Foundation
import SegImages
import SegKernels

/// AuxAdapt: a frozen MainNet and a small AuxNet segment a video together, and the AuxNet learns from their decisions.
///
///     z = MainNet(x) + α · up(AuxNet(down(x)))
///     y = argmax z                      the frame's output, and the pseudo-label
///     loss = CE(up(AuxNet(down(x))), y) one step of the optimizer on the AuxNet, for the frames that follow
///
/// Online, in one pass, without optical flow. MainNet is compiled and its parameters are never written. The loss is taken
/// at the resolution of MainNet's logits, over all their places. Not Sendable: one a video.
///
/// Zhang et al., "AuxAdapt: Stable and Efficient Test-Time Adaptation for Temporally Consistent Video Semantic
/// Segmentation", WACV 2022 (arXiv 2110.12369), section 3.
public final class AuxAdapter {
  /// What a frame gave.
  public struct Frame: Sendable {
    /// The class of every pixel, H×W.
    public let labels: Labels
    /// z, 1×C×h×w, at the resolution of MainNet's logits; of the frame and what it was padded by.
    public let logits: Tensor
  }

  /// The AuxNet was put back to its start.
  public struct Restart: Sendable, Hashable, Codable {
    /// The frame at (or after) which it happened, from 0.
    public let frame: Int
    /// `clip`, `cut`, `nonFinite` or `collapse`.
    public let reason: String
  }

  /// How it adapts.
  public let configuration: AuxAdaptConfiguration
  /// Frames seen, and steps of the optimizer.
  public private(set) var frames = 0, updates = 0
  /// The loss of the last step; nil before the first.
  public private(set) var lastLoss: Float?
  /// When and why the AuxNet went back to its start.
  public private(set) var restarts: [Restart] = []

  private let main: any UnaryModule
  private let auxiliary: AdaptedNetwork
  private let normalization: ImageNormalization
  private let divisor: Int
  private let packed = PackedWeights()
  private var session: Program.Session?
  private var divergence = DivergenceGuard()
  private var cuts = CutDetector()
  private lazy var thread = UpdateThread()
  private var hasThread = false

  /// Label of logits that count for nothing.
  private static let ignored: Int32 = -100

  /// A pair of networks with the same classes. The AuxNet belongs to the adapter from now on; MainNet stays as it is.
  ///
  /// - Parameters:
  ///   - main: MainNet; its parameters are never written.
  ///   - auxiliary: the AuxNet, which learns.
  ///   - normalization: how images become inputs, of both networks.
  ///   - divisor: what the sides of an image are best multiples of, for both networks.
  ///   - configuration: how it adapts.
  /// - Precondition: the configuration has no ``AuxAdaptConfiguration/problem``.
  public init(
    main: any UnaryModule, auxiliary: any UnaryModule, normalization: ImageNormalization = .imageNet,
    divisor: Int = 32, _ configuration: AuxAdaptConfiguration = AuxAdaptConfiguration()
  ) {
    check(configuration.problem == nil, "AuxAdapter", configuration.problem ?? "")
    check(main !== auxiliary, "AuxAdapter", "expected two networks, found one in both places")
    main.setTraining(false)
    self.main = main
    self.normalization = normalization
    self.configuration = configuration
    self.divisor = divisor * configuration.downscale
    self.auxiliary = AdaptedNetwork(
      auxiliary, configuration.makeOptimizer(), isTraining: configuration.batchNorms == .training)
  }

  deinit {
    guard hasThread else { return }
    thread.wait()
    thread.stop()
  }

  /// Segments the next frame and learns from it.
  public func callAsFunction(_ image: Image) -> Frame {
    let isCut = configuration.reset == .cuts && cuts.isCut(image)
    let frame = PreparedFrame(image, normalization, divisor: divisor)
    // The update of the frame before may be running meanwhile.
    let mainLogits = mainLogits(frame.x)
    finish()
    let index = frames
    frames += 1
    if isCut { restart("cut", at: index) }
    guard configuration.isOverlapped else {
      var sum: Tensor?
      step(frame, index, mainLogits) { sum = $0 }
      return Frame(labels: frame.labels(sum!), logits: sum!)
    }
    hasThread = true
    let handover = Handover()
    thread.start { [self] in step(frame, index, mainLogits) { handover.give($0) } }
    let sum = handover.take()
    return Frame(labels: frame.labels(sum), logits: sum)
  }

  /// Waits for an update that is still running: before figures are read or the AuxNet is looked at.
  public func finish() { if hasThread { thread.wait() } }

  /// Begins another clip: the AuxNet goes back to its start unless it is never reset.
  public func startClip() {
    finish()
    cuts = CutDetector()
    if frames > 0, configuration.reset != .never { restart("clip", at: frames) }
  }

  private func mainLogits(_ x: Tensor) -> Tensor {
    if session?.program.inputShapes[0] != x.shape {
      session = main.compiled(for: x.shape, sharing: packed).makeSession()
    }
    return session!([x])[0]
  }

  private func restart(_ reason: String, at frame: Int) {
    auxiliary.restart()
    divergence = DivergenceGuard()
    restarts.append(Restart(frame: frame, reason: reason))
  }

  /// Forward, output, loss, backward and step of one frame. Touches what belongs to the update alone.
  private func step(_ frame: PreparedFrame, _ index: Int, _ mainLogits: Tensor, _ output: (Tensor) -> Void) {
    let small = resize(
      frame.x,
      to: Pair(
        height: frame.x.shape[2] / configuration.downscale, width: frame.x.shape[3] / configuration.downscale),
      configuration.interpolation)
    let size = Pair(height: mainLogits.shape[2], width: mainLogits.shape[3])
    let weights = configuration.classWeights.map { Tensor([$0.count], $0) }
    var own: Tensor?, isFinite = true
    let (loss, gradients) = auxiliary.gradients { network in
      let logits = resize(network(small), to: size)
      let sum = mainLogits + logits * configuration.weight
      own = logits.detached()
      isFinite = own!.isFinite
      // What is no number has no say.
      let decided = isFinite ? sum.detached() : mainLogits
      output(decided)
      let pseudo = frame.pseudoLabels(decided, ignored: AuxAdapter.ignored)
      return crossEntropy(
        configuration.loss == .own ? logits : sum, pseudo, ignoreIndex: Int(AuxAdapter.ignored), classWeights: weights)
    }
    lastLoss = loss
    isFinite = isFinite && loss.isFinite && gradients.isFinite
    if configuration.isGuarded {
      let reason = divergence.look(
        main: argmax(mainLogits), auxiliary: argmax(own!), classes: mainLogits.shape[1], isFinite: isFinite)
      if let reason { return restart(reason.rawValue, at: index) }
    }
    auxiliary.step(gradients)
    updates += 1
  }
}

/// One value from one thread to another.
private final class Handover: @unchecked Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  private var value: Tensor?

  func give(_ tensor: Tensor) {
    value = tensor
    semaphore.signal()
  }

  func take() -> Tensor {
    semaphore.wait()
    return value!
  }
}
