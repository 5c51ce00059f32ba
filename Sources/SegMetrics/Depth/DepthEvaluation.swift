import SegKernels

/// Depth maps scored against true ones: errors per image, then their mean over images.
public struct DepthEvaluation: Sendable, Hashable {
  /// How images are scored.
  public let rules: DepthProtocol
  /// The errors of each image that has a pixel to score.
  public private(set) var images: [DepthErrors] = []
  /// Images without a true depth that counts.
  public private(set) var skipped = 0
  /// The factor that each image's prediction was multiplied by; empty without median scaling.
  public private(set) var factors: [Double] = []

  /// No image yet.
  public init(_ rules: DepthProtocol) { self.rules = rules }

  /// Scores one image whose prediction is a disparity: 1 / depth, up to a factor.
  ///
  /// - Parameters:
  ///   - disparity: h×w; resized bilinearly (half-pixel centres) to the truth's size, then inverted. Values that are
  ///     not above 0 mean the farthest depth.
  ///   - truth: H×W depths in metres; 0, negative or not finite where nothing was measured.
  public mutating func add(disparity: Tensor, truth: Tensor) {
    checkMaps(disparity, truth)
    score(inverse(resized(disparity, to: truth.shape)), truth)
  }

  /// Scores one image whose prediction is a depth map h×w in metres. One of another size than the truth is resized as a
  /// disparity. Values that are not above 0 mean the nearest depth.
  public mutating func add(depth: Tensor, truth: Tensor) {
    checkMaps(depth, truth)
    score(depth.shape == truth.shape ? depth : inverse(resized(inverse(depth), to: truth.shape)), truth)
  }

  private func checkMaps(_ prediction: Tensor, _ truth: Tensor) {
    check(
      prediction.rank == 2 && truth.rank == 2, "DepthEvaluation.add",
      "expected h×w and H×W, found \(prediction.shape) and \(truth.shape)")
  }

  private func resized(_ map: Tensor, to shape: Shape) -> Tensor {
    if map.shape == shape { return map }
    return resize(map.reshaped(Shape([1, 1] + map.shape)), to: [shape[0], shape[1]], .bilinear)
  }

  /// 1 / x; infinite where x is not above 0.
  private func inverse(_ map: Tensor) -> Tensor {
    Tensor(uninitialized: map.shape) { result in
      map.withUnsafeBufferPointer {
        for index in result.indices { result[index] = $0[index] > 0 ? 1 / $0[index] : .infinity }
      }
    }
  }

  private mutating func score(_ depth: Tensor, _ truth: Tensor) {
    let window = rules.window(height: truth.shape[0], width: truth.shape[1]), width = truth.shape[1]
    var predictions: [Double] = [], truths: [Double] = []
    depth.withUnsafeBufferPointer { depth in
      truth.withUnsafeBufferPointer { truth in
        for row in window.rows {
          for place in (row * width + window.columns.lowerBound)..<(row * width + window.columns.upperBound)
          where Double(truth[place]) > rules.least && Double(truth[place]) < rules.most {
            truths.append(Double(truth[place]))
            predictions.append(depth[place] > 0 ? Double(depth[place]) : rules.least)
          }
        }
      }
    }
    if rules.scalesByMedian, let middle = median(predictions), let wanted = median(truths) {
      predictions = predictions.map { $0 * wanted / middle }
      factors.append(wanted / middle)
    }
    let cut = predictions.map { min(max($0, rules.least), rules.most) }
    if let errors = DepthErrors(predictions: cut, truths: truths) { images.append(errors) } else { skipped += 1 }
  }

  /// Adds another part of the data set.
  public static func += (a: inout DepthEvaluation, b: DepthEvaluation) {
    check(a.rules == b.rules, "DepthEvaluation", "parts scored by other rules do not add up")
    a.images += b.images
    a.skipped += b.skipped
    a.factors += b.factors
  }
}

/// The middle value, or the mean of the two in the middle; nil of nothing.
func median(_ values: [Double]) -> Double? {
  guard !values.isEmpty else { return nil }
  let sorted = values.sorted(), middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
