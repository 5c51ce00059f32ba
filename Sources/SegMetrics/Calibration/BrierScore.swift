import SegKernels

/// The mean squared error of predicted probabilities: mean over pixels of Σ over classes k of (p(k) − [truth = k])², 0
/// to 2.
///
/// Brier, "Verification of Forecasts Expressed in Terms of Probability", 1950.
public struct BrierScore: Sendable, Hashable {
  private var sum = 0.0
  /// Pixels counted.
  public private(set) var pixels = 0

  /// No pixels yet.
  public init() {}

  /// Adds the pixels of images.
  ///
  /// - Parameters:
  ///   - probabilities: N×C×H×W, that add up to 1 over the classes.
  ///   - truth: N×H×W; pixels that equal `ignoreIndex`, or are no class, do not count.
  ///   - ignoreIndex: the label of pixels that do not count.
  public mutating func add(probabilities: Tensor, truth: Labels, ignoreIndex: Int? = 255) {
    forEachLabelledPixel(probabilities, truth, ignoreIndex, "BrierScore.add") { column, label in
      for channel in 0..<column.count {
        let error = Double(column[channel]) - (channel == label ? 1 : 0)
        sum += error * error
      }
      pixels += 1
    }
  }

  /// Adds the pixels of another part of the data set.
  public static func += (a: inout BrierScore, b: BrierScore) {
    a.sum += b.sum
    a.pixels += b.pixels
  }

  /// The score; nil without a pixel.
  public var score: Double? { pixels > 0 ? sum / Double(pixels) : nil }
}

extension CalibrationError {
  /// Adds the most probable class of every labelled pixel, its probability the confidence; among equals the first
  /// class.
  ///
  /// - Parameters: as of ``BrierScore/add(probabilities:truth:ignoreIndex:)``.
  public mutating func add(probabilities: Tensor, truth: Labels, ignoreIndex: Int? = 255) {
    forEachLabelledPixel(probabilities, truth, ignoreIndex, "CalibrationError.add") { column, label in
      let best = column.best
      add(confidence: Double(column[best]), isRight: best == label)
    }
  }
}

/// The probabilities of one pixel: a column through N×C×H×W.
struct ProbabilityColumn {
  let base: UnsafePointer<Float>
  let stride: Int
  let count: Int

  subscript(channel: Int) -> Float { base[channel * stride] }

  /// The most probable class; among equals the first.
  var best: Int { (1..<count).reduce(0) { self[$1] > self[$0] ? $1 : $0 } }
}

/// Visits every pixel whose truth is a class.
func forEachLabelledPixel(
  _ probabilities: Tensor, _ truth: Labels, _ ignoreIndex: Int?, _ operation: String,
  _ body: (ProbabilityColumn, Int) -> Void
) {
  let shape = probabilities.shape
  check(
    shape.rank == 4 && truth.shape == [shape[0], shape[2], shape[3]], operation,
    "expected N×C×H×W and N×H×W, found \(shape) and \(truth.shape)")
  let (classes, area) = (shape[1], shape[2] * shape[3])
  probabilities.withUnsafeBufferPointer { p in
    truth.withUnsafeBufferPointer { truth in
      for pixel in truth.indices {
        let label = Int(truth[pixel])
        guard label != ignoreIndex, label >= 0, label < classes else { continue }
        let start = pixel / area * classes * area + pixel % area
        body(ProbabilityColumn(base: p.baseAddress! + start, stride: area, count: classes), label)
      }
    }
  }
}
