import SegImages
import SegKernels
import SegMetrics
import SegTraining
import SegXDistill

/// From a photograph to its depth.
///
/// The photograph is resized to the size that the network was trained for, whatever its aspect, as depth networks are
/// used; what comes out fits the photograph when it is resized back. Where poses were learnt, depths are metres up to a
/// factor. Not Sendable: one a thread.
public final class DepthEstimator {
  /// The network, and what its weights say.
  public let loaded: LoadedModel
  private let configuration: DepthConfiguration
  private let network: CompiledNetwork

  /// - Throws: `UsageError` if the model does not tell depth.
  public init(_ loaded: LoadedModel) throws {
    guard let network = loaded.model.network as? DepthNetwork else {
      throw UsageError("model '\(loaded.model.name)' tells no depth; expected one that does")
    }
    guard loaded.model.inputChannels == 3 else {
      throw UsageError("the weights take images of \(loaded.model.inputChannels) channels; expected 3")
    }
    self.loaded = loaded
    configuration = network.configuration
    self.network = CompiledNetwork(network)
  }

  /// What this network cannot do with views that are sound in themselves; nil where it can.
  func problem(with views: Segmenter.Views) -> String? {
    guard views.window != nil || views.flips || views.scales != [1] else { return nil }
    return "'\(loaded.model.name)' tells depth in one view: expected a size alone, no windows and further views"
  }

  /// Rows and columns that the network sees: those asked for, else those it was trained for, up to multiples of what it
  /// divides by.
  func size(_ asked: Pair?) -> Pair {
    let size = asked ?? loaded.card.size, divisor = loaded.model.divisor
    func up(_ extent: Int) -> Int { max((extent + divisor - 1) / divisor, 1) * divisor }
    return Pair(height: up(size.height), width: up(size.width))
  }

  /// The disparity of a photograph, 1 / metres.
  ///
  /// - Parameter size: what the photograph is resized to for the network; by default what it was trained for.
  /// - Returns: h×w, of the size that the network sees.
  public func disparity(_ image: Image, size asked: Pair? = nil) -> Tensor {
    let size = size(asked)
    let pixels = Tensor(
      image.resized(width: size.width, height: size.height), normalization: loaded.card.normalization)
    return configuration.depth(network(pixels)).reciprocal().reshaped(size.height, size.width)
  }

  /// The disparity of a photograph at the photograph's own size, H×W, 1 / metres: the network's, resized bilinearly.
  public func callAsFunction(_ image: Image, size: Pair? = nil) -> Tensor {
    let map = disparity(image, size: size), own = Pair(height: image.height, width: image.width)
    return resize(map.reshaped(1, 1, map.shape[0], map.shape[1]), to: own, .bilinear)
      .reshaped(own.height, own.width)
  }
}
