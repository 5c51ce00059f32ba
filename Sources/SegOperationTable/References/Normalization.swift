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

  /// Group norm: each image's channels in groups, normalised by the group's own mean and biased variance,
  ///
  ///     y = (x − mean) / √(variance + epsilon) · weight[c] + bias[c]
  public static func groupNorm(
    _ x: ReferenceArray, groups: Int, weight: ReferenceArray, bias: ReferenceArray, epsilon: Double = 1e-5
  ) -> ReferenceArray {
    let (batch, channels) = (x.shape[0], x.shape[1])
    let rows = reshape(x, to: [batch * groups, x.values.count / max(batch * groups, 1)])
    let standardized = reshape(standardize(rows, epsilon), to: x.shape)
    let affine = Shape([1, channels] + [Int](repeating: 1, count: x.rank - 2))
    return add(multiply(standardized, reshape(weight, to: affine)), reshape(bias, to: affine))
  }

  /// Layer norm: y = (x − mean) / √(variance + epsilon) · weight + bias over the last axes, those of the weight.
  public static func layerNorm(
    _ x: ReferenceArray, weight: ReferenceArray, bias: ReferenceArray, epsilon: Double = 1e-5
  ) -> ReferenceArray {
    let rows = reshape(x, to: [x.values.count / weight.values.count, weight.values.count])
    return add(multiply(reshape(standardize(rows, epsilon), to: x.shape), weight), bias)
  }

  /// Every row brought to mean 0 and biased variance 1.
  private static func standardize(_ rows: ReferenceArray, _ epsilon: Double) -> ReferenceArray {
    let centred = subtract(rows, mean(rows, axes: [1], keepDimensions: true))
    let variance = mean(square(centred), axes: [1], keepDimensions: true)
    return divide(centred, sqrt(add(variance, ReferenceArray([], [epsilon]))))
  }
}
