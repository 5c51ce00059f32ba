import Glibc
import SegKernels

/// Whether the labels of an unlabelled frame are right, pixel by pixel, foretold from a labelled frame near by.
///
/// pc compares the prediction with the *truth* of the labelled frame; the score of a pixel is
///
///     clip(pc, 0, 1) · confidence
///
/// with pc enlarged bilinearly to the frame's size and the confidence the largest soft-max probability; or a logistic
/// regression on both (see ``Calibrated``). High means right: 1 minus it is the suspicion that `ErrorDetection` takes.
/// The paper combines both as well, and does not say how; the product is this package's choice (Zhang et al., WACV 2022).
public struct CorrectnessPrediction: Sendable {
  /// pc of every position of the unlabelled frame: h×w.
  public let map: Tensor

  /// Compares a prediction with a labelled frame.
  ///
  /// Ignored positions of the labelled frame take part in no maximum but as 0: nothing is known of them.
  ///
  /// - Parameters:
  ///   - features: of the unlabelled frame, C×h×w.
  ///   - prediction: its labels, at any size.
  ///   - labelledFeatures: of the labelled frame.
  ///   - truth: its true labels, at any size.
  ///   - ignoreIndex: the true label that says nothing.
  ///   - search: which positions are compared.
  public init(
    features: Tensor, prediction: Labels, labelledFeatures: Tensor, truth: Labels, ignoreIndex: Int32? = 255,
    search: PerceptualConsistency.Search = .everywhere
  ) {
    let labels = PerceptualConsistency.resizedLabels(truth, to: labelledFeatures)
    var known = labelledFeatures.rowMajor()
    let area = labels.count
    known.withUnsafeMutableBufferPointer { known in
      for (place, label) in labels.values.enumerated() where label == ignoreIndex {
        for channel in 0..<(known.count / area) { known[channel * area + place] = 0 }
      }
    }
    map =
      PerceptualConsistency(
        featuresA: features, labelsA: PerceptualConsistency.resizedLabels(prediction, to: features), featuresB: known,
        labelsB: labels, search: search
      ).mapA
  }

  /// clip(pc, 0, 1) at every pixel, H×W.
  public func consistency(height: Int, width: Int) -> Tensor {
    resize(
      map.clamped(to: 0...1).reshaped(1, 1, map.shape[0], map.shape[1]), to: Pair(height: height, width: width)
    ).reshaped(height, width)
  }

  /// The product with a confidence, H×W.
  public func score(confidence: Tensor) -> Tensor {
    consistency(height: confidence.shape[0], width: confidence.shape[1]) * confidence
  }

  /// P(right) = σ(w₀ + w₁ · clip(pc, 0, 1) + w₂ · confidence): the alternative to the product, fitted on other clips.
  public struct Calibrated: Sendable, Hashable, Codable {
    /// w₀, w₁, w₂.
    public let weights: [Double]

    /// Fits the three weights by Newton's method; a ridge of 10⁻³ a sample count keeps separable samples finite.
    ///
    /// - Parameters:
    ///   - samples: consistency, confidence, and whether the label was right. Without any, all weights are 0.
    public init(fitting samples: [(consistency: Float, confidence: Float, isRight: Bool)]) {
      var w = SIMD3<Double>(0, 0, 0)
      for _ in 0..<25 where !samples.isEmpty {
        var gradient = SIMD3<Double>(0, 0, 0)
        var hessian = [[Double]](repeating: [0, 0, 0], count: 3)
        for sample in samples {
          let x = SIMD3<Double>(1, Double(sample.consistency), Double(sample.confidence))
          let p = 1 / (1 + exp(-(w * x).sum()))
          gradient += (p - (sample.isRight ? 1 : 0)) * x
          for i in 0..<3 { for j in 0..<3 { hessian[i][j] += p * (1 - p) * x[i] * x[j] } }
        }
        let ridge = 1e-3 * Double(samples.count)
        for i in 1..<3 {
          gradient[i] += ridge * w[i]
          hessian[i][i] += ridge
        }
        hessian[0][0] += 1e-9 * Double(samples.count)
        let step = Calibrated.solution(hessian, gradient)
        w -= step
        if (step * step).sum() < 1e-16 { break }
      }
      weights = [w.x, w.y, w.z]
    }

    /// P(right) at every pixel, H×W.
    public func callAsFunction(consistency: Tensor, confidence: Tensor) -> Tensor {
      sigmoid(consistency * Float(weights[1]) + confidence * Float(weights[2]) + Float(weights[0]))
    }

    /// The solution of A x = b for a symmetric, positive A, by elimination.
    private static func solution(_ a: [[Double]], _ b: SIMD3<Double>) -> SIMD3<Double> {
      var a = a, b = b
      for i in 0..<3 {
        for j in (i + 1)..<3 where i < 2 {
          let factor = a[j][i] / a[i][i]
          for k in i..<3 { a[j][k] -= factor * a[i][k] }
          b[j] -= factor * b[i]
        }
      }
      let z = b.z / a[2][2], y = (b.y - a[1][2] * z) / a[1][1]
      return [(b.x - a[0][1] * y - a[0][2] * z) / a[0][0], y, z]
    }
  }
}
