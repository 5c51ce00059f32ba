/// How a loss turns one number a pixel into its result.
public enum LossReduction: String, Sendable, Hashable, Codable {
  /// One number a pixel, 0 where ignored.
  case none
  /// The sum over the pixels.
  case sum
  /// The mean over the pixels that count, each as heavy as its class; NaN if none does.
  case mean
}

extension LossReduction {
  /// Reduces losses that all weigh the same.
  func apply(_ losses: Tensor) -> Tensor {
    switch self {
    case .none: losses
    case .sum: losses.sum()
    case .mean: losses.mean()
    }
  }

  /// Losses of elements that all weigh the same, and if wanted the slopes of the reduced loss, made together.
  ///
  /// - Parameter kernel: makes those of some elements, slopes times `reach`, and returns the sum of the losses.
  func losses(
    _ shape: Shape, findingSlopes: Bool,
    _ kernel: (
      _ first: Int, _ count: Int, _ reach: Float, _ losses: UnsafeMutablePointer<Float>?,
      _ slopes: UnsafeMutablePointer<Float>?
    ) -> Double
  ) -> (value: Tensor, slopes: Tensor?) {
    let count = shape.elementCount, grain = 1 << 15, reach = self == .mean ? 1 / Float(count) : 1
    var losses = self == .none ? Tensor(uninitialized: shape, layout: .rowMajor) : nil
    var slopes = findingSlopes ? Tensor(uninitialized: shape, layout: .rowMajor) : nil
    let (l, s) = (losses?.exclusivePointer(), slopes?.exclusivePointer())
    // Run by run, so that sums do not depend on the number of threads.
    var parts = [Double](repeating: 0, count: ceilingDivide(count, grain))
    parts.withUnsafeMutableBufferPointer { parts in
      guard let parts = parts.baseAddress else { return }
      parallelRuns(count, grain: grain) { run in
        let first = run.lowerBound
        parts[first / grain] = kernel(first, run.count, reach, l.map { $0 + first }, s.map { $0 + first })
      }
    }
    let total = parts.reduce(0, +)
    return (losses ?? Tensor(Float(self == .mean ? total / Double(count) : total)), slopes)
  }
}

extension Tensor {
  /// The slopes of losses, times what reaches the losses: mostly 1, and then nothing needs to be done.
  func scaled(by reach: Tensor) -> Tensor { reach.count == 1 && reach.scalar == 1 ? self : self * reach }
}
