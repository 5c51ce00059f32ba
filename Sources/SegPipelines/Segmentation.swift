import SegImages
import SegKernels

/// What a segmenter makes of one photograph.
public struct Segmentation: Sendable {
  /// One view's logits, and how they lie over the photograph.
  struct Source {
    /// Coarse logits 1×classes×h×w.
    let logits: Tensor
    /// The size that they are enlarged to; its upper left part is the photograph.
    let enlarged: Pair
    /// Whether the photograph is mirrored in them.
    let isMirrored: Bool
  }

  /// Names and colours.
  public let classes: ClassTable
  /// The likeliest class of each pixel, H×W.
  public let labels: Labels
  private let sources: [Source]
  private let size: Pair

  init(sources: [Source], size: Pair, classes: ClassTable) {
    self.sources = sources
    self.size = size
    self.classes = classes
    if sources.count == 1, !sources[0].isMirrored {
      labels = argmax(sources[0].logits, resizedTo: sources[0].enlarged, rows: 0..<size.height, columns: 0..<size.width)
        .reshaped([size.height, size.width])
      return
    }
    // Band by band: the whole photograph's probabilities take 160 MB at 19 classes and 1024×2048 pixels.
    let bands = stride(from: 0, to: size.height, by: 64).map { $0..<min($0 + 64, size.height) }
    labels = Labels(
      [size.height, size.width],
      bands.flatMap { argmax(Segmentation.averaged(sources, rows: $0, width: size.width)).values })
  }

  /// The mean of the sources' probabilities in some rows, 1×classes×rows×width.
  private static func averaged(_ sources: [Source], rows: Range<Int>, width: Int) -> Tensor {
    let probabilities = sources.map { source in
      let p = softmax(resize(source.logits, to: source.enlarged, rows: rows, columns: 0..<width))
      return source.isMirrored ? p.flipped(axis: 3) : p
    }
    return probabilities.dropFirst().reduce(probabilities[0], +) / Float(probabilities.count)
  }

  /// Logits 1×classes×H×W at the photograph's own size, made anew at each use; of several views, the logarithms of the
  /// averaged probabilities.
  public var logits: Tensor {
    if sources.count == 1, !sources[0].isMirrored {
      return resize(sources[0].logits, to: sources[0].enlarged, rows: 0..<size.height, columns: 0..<size.width)
    }
    let probabilities = Segmentation.averaged(sources, rows: 0..<size.height, width: size.width)
    return probabilities.clamped(to: Float.leastNormalMagnitude...1).log()
  }

  /// The probability of each class, classes×H×W.
  public var probabilities: Tensor { softmax(logits).reshaped(sources[0].logits.shape[1], size.height, size.width) }

  /// The probability of the likeliest class, H×W.
  public var confidence: Tensor { probabilities.maximum(axes: [0]) }

  /// −Σ p log p over the classes, divided by its largest value log(classes): H×W in 0…1.
  public var entropy: Tensor {
    let logs = logSoftmax(logits).reshaped(sources[0].logits.shape[1], size.height, size.width)
    return -(logs.exp() * logs).sum(axes: [0]) / Tensor(Float(max(classes.count, 2))).log()
  }
}
