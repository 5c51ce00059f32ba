import Foundation
import SegImages
import SegKernels
import SegTraining

/// From a photograph to a class a pixel, at the photograph's own size.
///
/// ```swift
/// let segment = try Segmenter(.ffnet78S_dBBB_mobile, weights: .file(url))
/// let result = try segment(Image(contentsOf: photo))
/// ```
/// Any size will do: the image is padded to what the network divides it by, and the result is cut back. The network is
/// compiled for the size of the first image, and again when the size changes. Not Sendable: one a thread.
public final class Segmenter {
  /// The network, and what its weights say.
  public let loaded: LoadedModel
  private let network: CompiledNetwork

  /// - Parameter model: may be left out where the weights name it.
  /// - Throws: `UsageError` if there is no such model or it does not segment, `FileError` if its weights do not load.
  public convenience init(_ model: ModelName? = nil, weights: Weights) throws {
    try self.init(LoadedModel(model, weights: weights))
  }

  /// - Throws: `UsageError` if the model does not segment.
  public init(_ loaded: LoadedModel) throws {
    guard loaded.model.output == .segmentation else {
      throw UsageError("model '\(loaded.model.name)' classifies whole images; expected one that segments")
    }
    guard loaded.model.inputChannels == 3 else {
      throw UsageError("the weights take images of \(loaded.model.inputChannels) channels; expected 3")
    }
    self.loaded = loaded
    network = CompiledNetwork(loaded.model.network)
  }

  /// The classes of the result.
  public var classes: ClassTable { loaded.card.classes }

  /// Segments a photograph.
  ///
  /// - Parameter size: what the image is resized to for the network; its own size by default.
  public func callAsFunction(_ image: Image, size: Pair? = nil) -> Segmentation {
    let own = Pair(height: image.height, width: image.width)
    var x = Tensor(image, normalization: loaded.card.normalization)
    if let size, size != own { x = resize(x, to: size) }
    let inner = Pair(height: x.shape[2], width: x.shape[3])
    let padded = padded(padded(x, axis: 2), axis: 3)
    // Enlarged together with the padding and then cut, logits stay where the pixels are.
    let coarse = logits(padded), whole = Pair(height: padded.shape[2], width: padded.shape[3])
    if inner == own { return Segmentation(source: coarse, enlarged: whole, size: own, classes: classes) }
    let fine = resize(coarse, to: whole, rows: 0..<inner.height, columns: 0..<inner.width)
    return Segmentation(source: fine, enlarged: own, size: own, classes: classes)
  }

  /// The image with rows (or columns) added at its end, up to a multiple of what the network divides by.
  private func padded(_ x: Tensor, axis: Int) -> Tensor {
    let extent = x.shape[axis], divisor = loaded.model.divisor
    // At least twice the divisor, so that the deepest map has more than one row.
    let missing = max((extent + divisor - 1) / divisor, 2) * divisor - extent
    // Mirrored pixels disturb a network less than a bare edge does; small images have too few of them.
    return x.padded(axis: axis, before: 0, after: missing, with: missing < extent ? .reflect : .constant(0))
  }

  /// The network's own output for images N×3×H×W, normalised: logits at 1/4 or 1/8 of their size.
  public func logits(_ x: Tensor) -> Tensor { network(x) }
}

/// What a segmenter makes of one photograph.
public struct Segmentation: Sendable {
  /// Names and colours.
  public let classes: ClassTable
  /// The likeliest class of each pixel, H×W.
  public let labels: Labels
  /// Coarse logits, the size that they are enlarged to, and the part of that which is the photograph.
  private let source: Tensor
  private let enlarged: Pair
  private let size: Pair

  init(source: Tensor, enlarged: Pair, size: Pair, classes: ClassTable) {
    self.source = source
    self.enlarged = enlarged
    self.size = size
    self.classes = classes
    labels = argmax(source, resizedTo: enlarged, rows: 0..<size.height, columns: 0..<size.width)
      .reshaped([size.height, size.width])
  }

  /// Logits 1×classes×H×W at the photograph's own size; made anew at each use.
  public var logits: Tensor {
    resize(source, to: enlarged, rows: 0..<size.height, columns: 0..<size.width)
  }

  /// The probability of each class, classes×H×W.
  public var probabilities: Tensor { softmax(logits).reshaped(source.shape[1], size.height, size.width) }

  /// The probability of the likeliest class, H×W.
  public var confidence: Tensor { probabilities.maximum(axes: [0]) }

  /// −Σ p log p over the classes, divided by its largest value log(classes): H×W in 0…1.
  public var entropy: Tensor {
    let logs = logSoftmax(logits).reshaped(source.shape[1], size.height, size.width)
    return -(logs.exp() * logs).sum(axes: [0]) / Tensor(Float(max(classes.count, 2))).log()
  }
}
