import SegKernels

extension Reference {
  /// Batch norm while training: each channel is normalised by its own mean and biased variance over the batch and all
  /// pixels,
  ///
  ///     y = (x − mean) / √(variance + epsilon) · weight + bias,    variance = Σ (x − mean)² / count
  ///
  /// The running variance of a layer takes up the unbiased one instead: variance · count / (count − 1).
  ///
  /// - Parameters:
  ///   - x: `[N, C, …]`.
  ///   - weight: `[C]`; 1 if absent.
  ///   - bias: `[C]`; 0 if absent.
  /// - Returns: y, and the mean and biased variance `[C]` of each channel.
  public static func batchNormTraining(
    _ x: ReferenceArray, weight: ReferenceArray? = nil, bias: ReferenceArray? = nil, epsilon: Double = 1e-5
  ) -> (y: ReferenceArray, mean: ReferenceArray, variance: ReferenceArray) {
    check(x.rank >= 2, "batchNorm", "expected shape (N, C, …), found \(x.shape)")
    let allButChannels = (0..<x.rank).filter { $0 != 1 }
    let mean = Reference.mean(x, axes: allButChannels, keepDimensions: true)
    let variance = Reference.mean(square(subtract(x, mean)), axes: allButChannels)
    let flatMean = reshape(mean, to: variance.shape)
    let y = batchNormEvaluation(x, mean: flatMean, variance: variance, weight: weight, bias: bias, epsilon: epsilon)
    return (y, flatMean, variance)
  }

  /// Batch norm with given statistics: y = (x − mean) / √(variance + epsilon) · weight + bias, channel by channel.
  ///
  /// - Parameters:
  ///   - x: `[N, C, …]`.
  ///   - mean: `[C]`.
  ///   - variance: `[C]`.
  ///   - weight: `[C]`; 1 if absent.
  ///   - bias: `[C]`; 0 if absent.
  public static func batchNormEvaluation(
    _ x: ReferenceArray, mean: ReferenceArray, variance: ReferenceArray, weight: ReferenceArray? = nil,
    bias: ReferenceArray? = nil, epsilon: Double = 1e-5
  ) -> ReferenceArray {
    check(x.rank >= 2, "batchNorm", "expected shape (N, C, …), found \(x.shape)")
    for given in [mean, variance, weight, bias].compactMap({ $0 }) {
      check(
        given.shape == [x.shape[1]], "batchNorm",
        "expected one value for each channel of \(x.shape), found \(given.shape)")
    }
    return ReferenceArray(x.shape) { index in
      let c = index[1]
      let normalized = (x[at: index] - mean[c]) / (variance[c] + epsilon).squareRoot()
      return normalized * (weight?[c] ?? 1) + (bias?[c] ?? 0)
    }
  }
}
