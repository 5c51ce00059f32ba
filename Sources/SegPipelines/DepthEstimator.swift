import SegImages
import SegInverseForm
import SegKernels
import SegMetrics
import SegTraining
import SegXDistill

/// From a photograph to its depth.
///
/// The photograph is resized to the size that the network was trained for, whatever its aspect, as depth networks are
/// used; what comes out fits the photograph when it is resized back. Where poses were learnt, depths are metres up to a
/// factor. A network that tells classes as well sees the photograph at its own size. Not Sendable: one a thread.
public final class DepthEstimator {
  /// The network, and what its weights say.
  public let loaded: LoadedModel
  private let network: CompiledNetwork
  /// Metres, from what the network says.
  private let depth: (Tensor) -> Tensor

  /// An estimator with a loaded model.
  ///
  /// - Throws: `UsageError` if the model does not tell depth.
  public init(_ loaded: LoadedModel) throws {
    switch loaded.model.network {
    case let single as DepthNetwork:
      network = CompiledNetwork(single)
      depth = { single.configuration.depth($0) }
    case let multi as MultiTaskNetwork:
      network = CompiledNetwork(LogDepth(of: multi))
      depth = { $0.exp() }
    default: throw UsageError("model '\(loaded.model.name)' tells no depth; expected one that does")
    }
    guard loaded.model.inputChannels == 3 else {
      throw UsageError("the weights take images of \(loaded.model.inputChannels) channels; expected 3")
    }
    self.loaded = loaded
  }

  /// What this network cannot do with views that are sound in themselves; nil where it can.
  func problem(with views: Segmenter.Views) -> String? {
    guard views.window != nil || views.flips || views.scales != [1] else { return nil }
    return "'\(loaded.model.name)' tells depth in one view: expected a size alone, no windows and further views"
  }

  /// Rows and columns that the network sees: those asked for, else those it was trained for, up to multiples of what it
  /// divides by.
  ///
  /// - Parameter image: what a network that tells classes as well sees at its own size.
  func size(_ asked: Pair?, of image: Image? = nil) -> Pair {
    let own = loaded.model.multiTask == nil ? nil : image.map { Pair(height: $0.height, width: $0.width) }
    let size = asked ?? own ?? loaded.card.size, divisor = loaded.model.divisor
    func up(_ extent: Int) -> Int { max((extent + divisor - 1) / divisor, 1) * divisor }
    return Pair(height: up(size.height), width: up(size.width))
  }

  /// The disparity of a photograph, 1 / metres.
  ///
  /// - Parameters:
  ///   - image: of any size.
  ///   - asked: what the photograph is resized to for the network; by default what it was trained for, or the
  ///     photograph's own.
  /// - Returns: h×w, of the size that the network sees.
  public func disparity(_ image: Image, size asked: Pair? = nil) -> Tensor {
    let size = size(asked, of: image)
    let pixels = Tensor(
      image.resized(width: size.width, height: size.height), normalization: loaded.card.normalization)
    return depth(network(pixels)).reciprocal().reshaped(size.height, size.width)
  }

  /// The disparity of a photograph at the photograph's own size, H×W, 1 / metres: the network's, resized bilinearly.
  public func callAsFunction(_ image: Image, size: Pair? = nil) -> Tensor {
    let map = disparity(image, size: size), own = Pair(height: image.height, width: image.width)
    return resize(map.reshaped(1, 1, map.shape[0], map.shape[1]), to: own, .bilinear)
      .reshaped(own.height, own.width)
  }
}

/// The depth of a network that tells classes as well, at the images' size: N×1×H×W, ln of metres.
private final class LogDepth: UnaryModule {
  private let network: MultiTaskNetwork

  init(of network: MultiTaskNetwork) { self.network = network }

  var parts: [Part] { network.parts }

  func trainingChanged(to isTraining: Bool) { network.trainingChanged(to: isTraining) }

  func callAsFunction(_ x: Tensor) -> Tensor {
    network.logDepth(ofImages: x)
  }
}
