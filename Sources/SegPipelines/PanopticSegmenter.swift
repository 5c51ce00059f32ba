import SegData
import SegImages
import SegKernels
import SegMetrics
import SegPISR
import SegTraining

/// From a photograph to its things and classes, at the photograph's own size.
///
/// Any size will do: the image is padded to what the network divides it by, and the result is cut back. The network is
/// compiled for the size of the first image, and again when the size changes. Not Sendable: one a thread.
public final class PanopticSegmenter {
  /// The network, and what its weights say.
  public let loaded: LoadedModel
  private let network: any PanopticNetwork
  private let weights = PackedWeights()
  private var session: Program.Session?

  /// A segmenter with a loaded model.
  ///
  /// - Throws: `UsageError` if the model does not find things.
  public init(_ loaded: LoadedModel) throws {
    guard let network = loaded.model.panoptic else {
      throw UsageError("model '\(loaded.model.name)' finds no things; expected one that does")
    }
    guard loaded.model.inputChannels == 3 else {
      throw UsageError("the weights take images of \(loaded.model.inputChannels) channels; expected 3")
    }
    self.loaded = loaded
    self.network = network
  }

  /// The classes of the result.
  public var classes: ClassTable { loaded.card.classes }

  /// The classes as panoptic files number them.
  public var categories: [PanopticCategory] { PanopticSegmenter.categories(classes: network.things.count)! }

  /// The categories of the data sets whose things are known, by the number of their classes; nil for others.
  static func categories(classes: Int) -> [PanopticCategory]? {
    [Cityscapes.categories, COCOPanoptic.categories].first { $0.count == classes }
  }

  /// What this network cannot do with views that are sound in themselves; nil where it can.
  func problem(with views: Segmenter.Views) -> String? {
    guard views.window != nil || views.flips || views.scales != [1] else { return nil }
    return "'\(loaded.model.name)' finds things in one view: expected a size alone, no windows and further views"
  }

  /// Finds the things and classes of a photograph.
  ///
  /// - Parameters:
  ///   - image: of any size.
  ///   - size: what the image is resized to for the network; its own size by default.
  public func callAsFunction(_ image: Image, size: Pair? = nil) -> PanopticLabels {
    let own = Pair(height: image.height, width: image.width), inner = size ?? own
    let pixels = Tensor(image, normalization: loaded.card.normalization)
    let x = padded(padded(inner == own ? pixels : resize(pixels, to: inner), axis: 2), axis: 3)
    if session?.program.inputShapes[0] != x.shape {
      // The old one's memory goes before the new one's comes.
      session = nil
      let graph = Graph.capture(inputs: [x.shape], parameters: network) { network.outputs($0[0]) }
      session = Program(graph, sharing: weights).makeSession()
    }
    // The padding is enlarged with the rest, and then cut, so that outputs stay where the pixels are.
    func whole(_ own: Int, _ inner: Int, _ padded: Int) -> Int {
      inner == own ? padded : Int((Double(own) * Double(padded) / Double(inner)).rounded())
    }
    let frame = PanopticFrame(
      whole: Pair(
        height: whole(own.height, inner.height, x.shape[2]), width: whole(own.width, inner.width, x.shape[3])),
      size: own)
    return network.panoptic(session!([x]), in: frame)
  }

  /// Rows (or columns) added at the end, up to a multiple of what the network divides by.
  private func padded(_ x: Tensor, axis: Int) -> Tensor {
    let extent = x.shape[axis], divisor = loaded.model.divisor
    let missing = max((extent + divisor - 1) / divisor, 2) * divisor - extent
    return x.padded(axis: axis, before: 0, after: missing, with: missing < extent ? .reflect : .constant(0))
  }
}
