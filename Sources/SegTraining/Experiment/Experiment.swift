/// A paper's claim as a controlled experiment: recipes that differ in named keys only, and what is compared between
/// them, fixed before the first run.
public struct Experiment: Sendable, Hashable, Codable {
  /// One of the recipes that are compared.
  public struct Arm: Sendable, Hashable, Codable {
    /// What it is called in `--arms` and in tables.
    public let name: String
    /// The keys in which its recipe differs from the experiment's, with dots between nested ones, and keys of the
    /// paper's own.
    public let settings: [String: Setting]

    /// An arm and what makes it different.
    public init(_ name: String, _ settings: [String: Setting] = [:]) {
      self.name = name
      self.settings = settings
    }
  }

  /// What a contrast is for.
  public enum Role: String, Sendable, Hashable, Codable {
    /// What the paper says.
    case claim
    /// What must be known to believe that the claim's cause is the claimed one.
    case control
  }

  /// A difference a − b in one metric, said to be in favour of a.
  public struct Contrast: Sendable, Hashable, Codable {
    /// The metric's name.
    public let metric: String
    /// The arms.
    public let a, b: String
    /// What it is for.
    public let role: Role
    /// How much worse than b the claim lets a be: 0.003 of a "not down by more than 0.3 points".
    public let allowance: Double

    /// The difference of two arms in a metric.
    public init(_ metric: String, _ a: String, minus b: String, role: Role, allowing allowance: Double = 0) {
      self.metric = metric
      self.a = a
      self.b = b
      self.role = role
      self.allowance = allowance
    }
  }

  /// How much of it is run.
  public enum Preset: String, Sendable, Hashable, Codable, CaseIterable {
    /// Small images and networks: a few hours on two cores in all, at most 25 minutes a run.
    case quick
    /// The paper's own kind of size, over days.
    case full
  }

  /// The paper's name on the command line.
  public let paper: String
  /// What is compared.
  public let arms: [Arm]
  /// The claims and the controls.
  public let contrasts: [Contrast]

  /// An experiment. Traps if two arms share a name, or a contrast names an arm that there is not.
  public init(paper: String, arms: [Arm], contrasts: [Contrast]) {
    let names = arms.map(\.name)
    precondition(Set(names).count == names.count, "Experiment: arms share a name in \(names)")
    for contrast in contrasts {
      precondition(
        names.contains(contrast.a) && names.contains(contrast.b),
        "Experiment: expected arms of \(names), found \(contrast.a) and \(contrast.b)")
    }
    self.paper = paper
    self.arms = arms
    self.contrasts = contrasts
  }

  /// Seeds that an arm is run with unless asked otherwise: 8 if a claim needs it, else 4.
  ///
  /// With a deviation of 0.7 points of mIoU between paired runs, the 95 % interval is ±0.6 with 8 and ±1.1 with 4.
  public func seeds(of arm: Arm) -> Int {
    contrasts.contains { $0.role == .claim && [$0.a, $0.b].contains(arm.name) } ? 8 : 4
  }
}
