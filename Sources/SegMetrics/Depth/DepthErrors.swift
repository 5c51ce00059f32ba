import Foundation
import SegKernels

/// The errors of predicted depths d against true depths t, in metres, over n pixels.
///
/// Eigen et al., "Depth Map Prediction from a Single Image using a Multi-Scale Deep Network", 2014.
public struct DepthErrors: Sendable, Hashable, Codable {
  /// mean |t − d| / t.
  public var absoluteRelative: Double
  /// mean (t − d)² / t.
  public var squaredRelative: Double
  /// √mean (t − d)².
  public var rmse: Double
  /// √mean (ln t − ln d)².
  public var rmseLog: Double
  /// mean |log₁₀ t − log₁₀ d|.
  public var log10: Double
  /// The share of pixels with max(t / d, d / t) below 1.25, 1.25² and 1.25³.
  public var delta1, delta2, delta3: Double

  /// The errors of as many positive predictions as true depths; nil of none. Traps if the numbers differ.
  public init?(predictions: [Double], truths: [Double]) {
    check(
      predictions.count == truths.count, "DepthErrors", "\(predictions.count) predictions for \(truths.count) depths")
    guard !truths.isEmpty else { return nil }
    var sums = DepthErrors.zero
    for (d, t) in zip(predictions, truths) {
      let difference = t - d, logarithm = log(t) - log(d), ratio = max(t / d, d / t)
      sums.absoluteRelative += abs(difference) / t
      sums.squaredRelative += difference * difference / t
      sums.rmse += difference * difference
      sums.rmseLog += logarithm * logarithm
      sums.log10 += abs(logarithm) / M_LN10
      if ratio < 1.25 { sums.delta1 += 1 }
      if ratio < 1.25 * 1.25 { sums.delta2 += 1 }
      if ratio < 1.25 * 1.25 * 1.25 { sums.delta3 += 1 }
    }
    self = sums.map { $0 / Double(truths.count) }
    rmse = rmse.squareRoot()
    rmseLog = rmseLog.squareRoot()
  }

  /// The mean of images' errors; nil of none.
  public init?(meanOf images: [DepthErrors]) {
    guard !images.isEmpty else { return nil }
    self = images.reduce(DepthErrors.zero) { $0.combined(with: $1, +) }.map { $0 / Double(images.count) }
  }

  private static let zero = DepthErrors(
    absoluteRelative: 0, squaredRelative: 0, rmse: 0, rmseLog: 0, log10: 0, delta1: 0, delta2: 0, delta3: 0)

  private init(
    absoluteRelative: Double, squaredRelative: Double, rmse: Double, rmseLog: Double, log10: Double, delta1: Double,
    delta2: Double, delta3: Double
  ) {
    (self.absoluteRelative, self.squaredRelative) = (absoluteRelative, squaredRelative)
    (self.rmse, self.rmseLog, self.log10) = (rmse, rmseLog, log10)
    (self.delta1, self.delta2, self.delta3) = (delta1, delta2, delta3)
  }

  private typealias Error = (name: String, higherIsBetter: Bool, path: WritableKeyPath<DepthErrors, Double> & Sendable)

  private static let errors: [Error] = [
    ("absoluteRelative", false, \.absoluteRelative), ("squaredRelative", false, \.squaredRelative),
    ("rmse", false, \.rmse), ("rmseLog", false, \.rmseLog), ("log10", false, \.log10), ("delta1", true, \.delta1),
    ("delta2", true, \.delta2), ("delta3", true, \.delta3),
  ]

  /// What is measured, and whether more of it is better.
  package static var names: [(name: String, higherIsBetter: Bool)] { errors.map { ($0.name, $0.higherIsBetter) } }

  /// The numbers in the order of ``names``.
  package var values: [Double] { DepthErrors.errors.map { self[keyPath: $0.path] } }

  private func map(_ function: (Double) -> Double) -> DepthErrors {
    combined(with: self) { value, _ in function(value) }
  }

  private func combined(with other: DepthErrors, _ function: (Double, Double) -> Double) -> DepthErrors {
    var result = self
    for (_, _, path) in DepthErrors.errors {
      result[keyPath: path] = function(self[keyPath: path], other[keyPath: path])
    }
    return result
  }
}
