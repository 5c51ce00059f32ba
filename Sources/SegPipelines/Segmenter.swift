import Foundation
import SegImages
import SegKernels
import SegONNX
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
  /// How a photograph is looked at.
  public struct Views: Sendable, Hashable {
    /// What the photograph is resized to for the network; nil for its own size. A network that can be asked at any
    /// resolution sees the photograph as it is, and the result has this size.
    public var size: Pair?
    /// The part that the network sees at once, slid over the image; nil for the whole. Rounded up to what the network
    /// divides by.
    public var window: Pair?
    /// The share of a window that the next one sees again, 0..<1.
    public var overlap: Float = 1 / 3
    /// Factors of the size whose probabilities are averaged.
    public var scales: [Float] = [1]
    /// Whether the mirrored image is looked at as well.
    public var flips = false

    /// The whole photograph, once.
    public init(size: Pair? = nil) { self.size = size }

    /// What is called test-time augmentation: three scales, each mirrored as well.
    public static func augmented(scales: [Float] = [0.75, 1, 1.25]) -> Views {
      var views = Views()
      views.scales = scales
      views.flips = true
      return views
    }

    /// What is wrong with the views; nil where nothing is.
    var problem: String? {
      guard !scales.isEmpty, scales.allSatisfy({ (0.1...4).contains($0) }) else {
        return "expected scales of 0.1 to 4, found \(scales.map { "\($0)" }.joined(separator: ", "))"
      }
      return (0..<1).contains(overlap) ? nil : "expected an overlap of 0..<1, found \(overlap)"
    }
  }

  /// The network, and what its weights say.
  public let loaded: LoadedModel
  private let network: CompiledNetwork

  /// A segmenter of a named model.
  ///
  /// - Parameters:
  ///   - model: may be left out where the weights name it.
  ///   - weights: where they come from.
  /// - Throws: `UsageError` if there is no such model or it does not segment, `FileError` if its weights do not load.
  public convenience init(_ model: ModelName? = nil, weights: Weights) throws {
    try self.init(LoadedModel(model, weights: weights))
  }

  /// A segmenter with a loaded model.
  ///
  /// - Throws: `UsageError` if the model does not segment.
  public init(_ loaded: LoadedModel) throws {
    guard loaded.model.output == .segmentation else {
      let what = loaded.model.output == .depth ? "tells depth" : "classifies whole images"
      throw UsageError("model '\(loaded.model.name)' \(what); expected one that segments")
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
  /// - Parameters:
  ///   - image: of any size.
  ///   - size: what the image is resized to for the network; by default its own size, or that of the only images that
  ///     an ONNX file takes.
  public func callAsFunction(_ image: Image, size: Pair? = nil) -> Segmentation {
    self(image, views: Views(size: size))
  }

  /// Segments a photograph, looking at it in several ways. Traps at views that make no sense.
  ///
  /// Logits of windows that overlap are averaged at the network's own resolution, probabilities of scales and mirror
  /// images at the photograph's: what is in memory at once is one window's work and the coarse logits of every view.
  public func callAsFunction(_ image: Image, views: Views) -> Segmentation {
    check(views.problem == nil, "Segmenter", views.problem ?? "")
    if let size = views.size, isResolutionFree { return decoded(image, at: size) }
    let own = Pair(height: image.height, width: image.width), divisor = loaded.model.divisor
    let pixels = Tensor(image, normalization: loaded.card.normalization)
    let sources = views.scales.flatMap { scale -> [Segmentation.Source] in
      let base = views.size ?? onlySize ?? own
      // Multiples of the divisor need no padding, and are as good as any other size near by.
      func scaled(_ extent: Int) -> Int {
        max(Int((Float(extent) * scale / Float(divisor)).rounded()), 2) * divisor
      }
      let size = scale == 1 ? base : Pair(height: scaled(base.height), width: scaled(base.width))
      let x = size == own ? pixels : resize(pixels, to: size)
      return (views.flips ? [false, true] : [false]).map { isMirrored in
        source(isMirrored ? x.flipped(axis: 3) : x, own, views, isMirrored: isMirrored)
      }
    }
    return Segmentation(sources: sources, size: own, classes: classes)
  }

  /// Whether the network can be asked at any resolution; a size is then that of the result, not of the photograph.
  public var isResolutionFree: Bool { loaded.model.network is any ResolutionFree }

  /// The size of the images that an ONNX file takes, if it takes no other.
  var onlySize: Pair? {
    loaded.model.network is ONNXNetwork && loaded.model.divisor == 1 ? loaded.model.inputSize : nil
  }

  /// What to expect of views that the network can do but has not learnt; nil where there is nothing to say.
  ///
  /// A network that was only ever asked at its finest level's grid has always seen that level's offset as 0.
  public func caution(with views: Views) -> String? {
    guard isResolutionFree, views.size != nil, loaded.card.queries == .grid else { return nil }
    return "these weights were trained at the positions of their finest level alone; at other sizes they are asked at "
      + "positions they have never seen (train with queries.kind=points)"
  }

  /// What this network cannot do with views that are sound in themselves; nil where it can.
  func problem(with views: Views) -> String? {
    if let size = onlySize, (views.size ?? size) != size || views.window != nil || views.scales != [1] {
      return "\(loaded.model.name) takes images of one size: "
        + "expected --size \(size.height)x\(size.width) without windows or scales"
    }
    guard isResolutionFree, views.size != nil, views.window != nil || views.flips || views.scales != [1] else {
      return nil
    }
    return "'\(loaded.model.name)' is asked at the size itself: expected a size without windows and further views"
  }

  /// The photograph as it is, its classes on a grid of any size.
  private func decoded(_ image: Image, at size: Pair) -> Segmentation {
    let pixels = Tensor(image, normalization: loaded.card.normalization)
    let x = padded(padded(pixels, axis: 2), axis: 3)
    let cover = QueryPositions.Cover(
      height: Double(image.height) / Double(x.shape[2]), width: Double(image.width) / Double(x.shape[3]))
    let logits = network(x, at: .grid(size, cover: cover))
    return Segmentation(
      sources: [.init(logits: logits, enlarged: size, isMirrored: false)], size: size, classes: classes)
  }

  /// The logits of one view of a photograph of size `own`.
  private func source(_ x: Tensor, _ own: Pair, _ views: Views, isMirrored: Bool) -> Segmentation.Source {
    let inner = Pair(height: x.shape[2], width: x.shape[3])
    let padded = padded(padded(x, axis: 2), axis: 3)
    // Enlarged together with the padding and then cut, logits stay where the pixels are.
    let coarse = windowed(padded, views), whole = Pair(height: padded.shape[2], width: padded.shape[3])
    if inner == own { return Segmentation.Source(logits: coarse, enlarged: whole, isMirrored: isMirrored) }
    if inner == whole { return Segmentation.Source(logits: coarse, enlarged: own, isMirrored: isMirrored) }
    let fine = resize(coarse, to: whole, rows: 0..<inner.height, columns: 0..<inner.width)
    return Segmentation.Source(logits: fine, enlarged: own, isMirrored: isMirrored)
  }

  /// The network's output for a padded image, put together from windows if that is asked for.
  private func windowed(_ x: Tensor, _ views: Views) -> Tensor {
    guard let window = views.window else { return logits(x) }
    let rows = windows(x.shape[2], window.height, views.overlap)
    let columns = windows(x.shape[3], window.width, views.overlap)
    if rows.count == 1 && columns.count == 1 { return logits(x) }
    // Windows begin and end at multiples of the divisor, and so at whole pixels of the logits.
    var sum: Tensor?, visits: [Float] = []
    for row in rows {
      for column in columns {
        let part = logits(x.slice(axis: 2, row).slice(axis: 3, column))
        let stride = Pair(height: row.count / part.shape[2], width: column.count / part.shape[3])
        let size = Pair(height: x.shape[2] / stride.height, width: x.shape[3] / stride.width)
        if sum == nil {
          sum = Tensor.zeros([1, part.shape[1], size.height, size.width])
          visits = [Float](repeating: 0, count: size.height * size.width)
        }
        add(part, to: &sum!, &visits, at: row.lowerBound / stride.height, column.lowerBound / stride.width)
      }
    }
    return sum! / Tensor([sum!.shape[2], sum!.shape[3]], visits)
  }

  private func add(_ part: Tensor, to sum: inout Tensor, _ visits: inout [Float], at top: Int, _ left: Int) {
    let (height, width) = (part.shape[2], part.shape[3]), (rows, columns) = (sum.shape[2], sum.shape[3])
    sum.withUnsafeMutableBufferPointer { sum in
      part.withUnsafeBufferPointer { part in
        for plane in 0..<part.count / (height * width) {
          for row in 0..<height {
            let target = (plane * rows + top + row) * columns + left, source = (plane * height + row) * width
            for column in 0..<width { sum[target + column] += part[source + column] }
          }
        }
      }
    }
    for row in 0..<height {
      for column in 0..<width { visits[(top + row) * columns + left + column] += 1 }
    }
  }

  /// Where windows lie along an axis: all of one extent, the last at the end.
  private func windows(_ extent: Int, _ window: Int, _ overlap: Float) -> [Range<Int>] {
    let divisor = loaded.model.divisor
    let size = max((window + divisor - 1) / divisor, 2) * divisor
    guard size < extent else { return [0..<extent] }
    let step = max(Int(Float(size) * (1 - overlap)) / divisor, 1) * divisor
    return (Array(stride(from: 0, to: extent - size, by: step)) + [extent - size]).map { $0..<($0 + size) }
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
