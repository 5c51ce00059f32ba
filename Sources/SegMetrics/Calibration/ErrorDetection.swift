import SegKernels

/// How well a score tells wrong predictions from right ones; errors are the positives.
///
/// Keeps every sample, 5 bytes each: the figures are exact. Samples of equal score are one step of every curve, so the
/// order in which they came does not matter.
public struct ErrorDetection: Sendable, Hashable {
  private var scores: [Float] = []
  private var errors: [Bool] = []

  /// No sample yet.
  public init() {}

  /// Adds one prediction.
  ///
  /// - Parameters:
  ///   - suspicion: the higher, the likelier an error; for a confidence its negative, or 1 less it. Not NaN.
  ///   - isError: whether the prediction was wrong.
  public mutating func add(suspicion: Float, isError: Bool) {
    check(!suspicion.isNaN, "ErrorDetection.add", "expected a number, found NaN")
    scores.append(suspicion)
    errors.append(isError)
  }

  /// Adds the samples of another part of the data set.
  public static func += (a: inout ErrorDetection, b: ErrorDetection) {
    a.scores += b.scores
    a.errors += b.errors
  }

  /// The figures, all from one sorting.
  public var figures: Figures { Figures(steps: steps) }

  /// From the most suspicious score down: how many errors and right predictions have it.
  private var steps: [Step] {
    var steps: [Step] = []
    var last: Float?
    for index in scores.indices.sorted(by: { scores[$0] > scores[$1] }) {
      if scores[index] != last { steps.append(Step()) }
      last = scores[index]
      if errors[index] { steps[steps.count - 1].errors += 1 } else { steps[steps.count - 1].right += 1 }
    }
    return steps
  }

  fileprivate struct Step {
    var errors = 0, right = 0
  }

  /// What the samples say; nil where there are no errors, or nothing but errors.
  public struct Figures: Sendable, Hashable, Codable {
    /// Samples, and errors among them.
    public let count, errors: Int
    /// The area under the curve of true over false positive rate: the chance that an error is more suspicious than a
    /// right prediction, ties halved.
    public let auroc: Double?
    /// The average precision Σ (recall step) · precision; its baseline is the share of errors. Nil without errors.
    public let aupr: Double?
    /// The least false positive rate at which at least 95 % of the errors are found.
    public let fprAt95TPR: Double?
    /// The area under the risk–coverage curve: the mean, over k = 1 … n, of the share of errors among the k least
    /// suspicious samples; ties in their mean order (Geifman and El-Yaniv, 2017). Nil without samples.
    public let aurc: Double?
  }
}

extension ErrorDetection.Figures {
  fileprivate init(steps: [ErrorDetection.Step]) {
    let errors = steps.reduce(0) { $0 + $1.errors }, right = steps.reduce(0) { $0 + $1.right }
    var found = 0.0, alarms = 0.0, area = 0.0, precision = 0.0
    var alarmsAt95: Double?
    for step in steps {
      area += Double(step.right) * (found + Double(step.errors) / 2)
      found += Double(step.errors)
      alarms += Double(step.right)
      precision += Double(step.errors) * found / (found + alarms)
      // In whole numbers: found / errors ≥ 95 / 100.
      if alarmsAt95 == nil, found * 100 >= Double(errors) * 95 { alarmsAt95 = alarms }
    }
    var covered = 0, missed = 0.0, risk = 0.0
    for step in steps.reversed() {
      let size = step.errors + step.right
      for k in 1...size {
        risk += (missed + Double(step.errors) * Double(k) / Double(size)) / Double(covered + k)
      }
      covered += size
      missed += Double(step.errors)
    }
    let hasBoth = errors > 0 && right > 0
    self.init(
      count: errors + right, errors: errors, auroc: hasBoth ? area / (Double(errors) * Double(right)) : nil,
      aupr: errors > 0 ? precision / Double(errors) : nil,
      fprAt95TPR: hasBoth ? alarmsAt95.map { $0 / Double(right) } : nil,
      aurc: covered > 0 ? risk / Double(covered) : nil)
  }
}
