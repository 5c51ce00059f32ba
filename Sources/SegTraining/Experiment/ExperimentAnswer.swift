/// What an experiment says, in the words of `segkernels reproduce --json`.
public struct ExperimentAnswer: Sendable, Codable {
  /// The scores of one arm.
  public struct Arm: Sendable, Codable {
    /// Its name.
    public let name: String
    /// How its recipe differs from the experiment's.
    public let settings: [String: Setting]
    /// Learnable scalars of what predicts.
    public let parameters: Int
    /// 10⁹ floating-point operations of a training step an image, a multiply-add counting 2, backward counting twice
    /// forward.
    public let train_gflop_per_image: Double
    /// The median over seeds of the time for one image, milliseconds.
    public let infer_ms: Double
    /// Each over the seeds.
    public let metrics: [Metric]
  }

  /// One metric of an arm over its seeds.
  public struct Metric: Sendable, Codable {
    /// Its name.
    public let name: String
    /// Whether more of it is better.
    public let higher_is_better: Bool
    /// One a seed, in their order; nil where a run has none.
    public let values: [Double?]
    /// The mean and the standard deviation (n − 1) of those that there are; nil of too few.
    public let mean, std: Double?

    enum CodingKeys: CodingKey { case name, higher_is_better, values, mean, std }

    /// Writes every key, `null` where a number is missing.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encode(higher_is_better, forKey: .higher_is_better)
      try container.encode(values, forKey: .values)
      try container.encode(mean, forKey: .mean)
      try container.encode(std, forKey: .std)
    }
  }

  /// What a contrast comes to.
  public enum Verdict: String, Sendable, Codable {
    /// The whole 95 % interval is in favour of a.
    case supported
    /// The whole interval is in favour of b.
    case not_supported
    /// The interval holds 0, or there is none.
    case inconclusive

    /// The verdict on an interval of a − b, where a may be worse by an allowance (0 but for claims of "no worse").
    public init(_ interval: ClosedRange<Double>?, higherIsBetter: Bool, allowing allowance: Double = 0) {
      let least = higherIsBetter ? -allowance : allowance
      guard let interval, !interval.contains(least) else {
        self = .inconclusive
        return
      }
      self = (interval.lowerBound > least) == higherIsBetter ? .supported : .not_supported
    }
  }

  /// A difference between two arms.
  public struct Contrast: Sendable, Codable {
    /// The metric that was compared.
    public let metric: String
    /// The arms: a − b is in favour of a where it is positive, or negative if less of the metric is better.
    public let a, b: String
    /// Whether the paper says so, or whether it must be known to believe it.
    public let role: Experiment.Role
    /// a − b of each seed that both arms have.
    public let differences: [Double]
    /// Their mean; nil without any.
    public let mean: Double?
    /// The 95 % t interval of the mean; nil of fewer than two seeds and for case studies.
    public let ci95: [Double]?
    /// What follows.
    public let verdict: Verdict

    enum CodingKeys: CodingKey { case metric, a, b, role, differences, mean, ci95, verdict }

    /// Writes every key, `null` where a number is missing.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(metric, forKey: .metric)
      try container.encode(a, forKey: .a)
      try container.encode(b, forKey: .b)
      try container.encode(role, forKey: .role)
      try container.encode(differences, forKey: .differences)
      try container.encode(mean, forKey: .mean)
      try container.encode(ci95, forKey: .ci95)
      try container.encode(verdict, forKey: .verdict)
    }
  }

  /// The paper's name on the command line.
  public let paper: String
  /// The data, as `--data` names it.
  public let data: String
  /// How much was run.
  public let preset: Experiment.Preset
  /// The largest number of seeds that an arm was run with.
  public let seeds: Int
  /// Training steps of a run (of a fold, for cross-validation).
  public let steps: Int
  /// Of all runs together.
  public let seconds: Double
  /// Arms with at least one run.
  public let arms: [Arm]
  /// Contrasts of arms that have a seed in common.
  public let contrasts: [Contrast]
}
