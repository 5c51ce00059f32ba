/// Everything that a training run depends on, as a value: the same recipe makes the same weights.
public struct Recipe: Codable, Sendable, Hashable {
  /// The data to learn from.
  public struct Source: Codable, Sendable, Hashable {
    /// The kind of data set, `camvid` for instance.
    public var kind = ""
    /// Its folder; "" for the place of the research data.
    public var root = ""
    /// The split to learn from.
    public var split = "train"
    /// The split that is scored at the end; "" for none.
    public var validation = "val"
  }

  /// Random scale, crop and flip.
  public struct Augment: Codable, Sendable, Hashable {
    /// The least and the largest factor.
    public var scale: [Float] = [0.5, 2]
    /// Rows and columns.
    public var crop: [Int] = []
    /// Whether half of the samples are mirrored.
    public var flip = true
  }

  /// How parameters move.
  public struct Optimization: Codable, Sendable, Hashable {
    /// Which optimizer.
    public enum Kind: String, Codable, Sendable { case sgd, adamw }
    /// How the rate falls.
    public enum ScheduleKind: String, Codable, Sendable { case constant, poly, cosine }

    /// Which optimizer.
    public var kind = Kind.sgd
    /// The rate at the schedule's height.
    public var learningRate: Float = 0.01
    /// Of SGD.
    public var momentum: Float = 0.9
    /// Coupled in SGD, decoupled in AdamW.
    public var weightDecay: Float = 1e-4
    /// How the rate falls.
    public var schedule = ScheduleKind.poly
    /// Of the poly schedule.
    public var power: Float = 0.9
    /// Steps of linear warm-up.
    public var warmup = 0
  }

  /// What is made small.
  public struct Loss: Codable, Sendable, Hashable {
    /// How much each class counts.
    public enum Weights: String, Codable, Sendable {
      case none
      /// 1 / log(1.02 + share of the class): ENet's rule, milder than median frequency.
      case logarithmic
      /// Median of the class frequencies over the class's own, over the images that contain it.
      case medianFrequency
    }

    /// The share of a label that is spread over all classes.
    public var labelSmoothing: Float = 0
    /// How much each class counts.
    public var classWeights = Weights.none
  }

  /// What the run is called.
  public var name = ""
  /// A published model name.
  public var model = ""
  /// The data to learn from.
  public var data = Source()
  /// Random scale, crop and flip.
  public var augment = Augment()
  /// How parameters move.
  public var optimization = Optimization()
  /// What is made small.
  public var loss = Loss()
  /// Samples a step.
  public var batch = 8
  /// Steps in all.
  public var steps = 0
  /// What initial weights, order and augmentation follow from.
  public var seed: UInt64 = 1
  /// Steps between checkpoints.
  public var checkpointEvery = 200
  /// A weights file to start from, or the name of weights that come with the package; "" for fresh weights.
  public var weights = ""

  /// A recipe of defaults, which still lacks model, data, crop and steps.
  public init() {}

  /// What is wrong with the recipe, one sentence each; empty when it can be run.
  public var problems: [String] {
    var problems: [String] = []
    func require(_ condition: Bool, _ problem: String) { if !condition { problems.append(problem) } }
    require(!model.isEmpty, "model: expected a model's name, found none")
    require(!data.kind.isEmpty, "data.kind: expected a kind of data set, found none")
    require(batch >= 1, "batch: expected at least 1, found \(batch)")
    require(steps >= 1, "steps: expected at least 1, found \(steps)")
    require(checkpointEvery >= 1, "checkpointEvery: expected at least 1, found \(checkpointEvery)")
    require(
      augment.crop.count == 2 && augment.crop.allSatisfy { $0 >= 32 },
      "augment.crop: expected rows and columns of at least 32, found \(augment.crop)")
    require(
      augment.scale.count == 2 && augment.scale[0] > 0 && augment.scale[0] <= augment.scale[1],
      "augment.scale: expected a least and a largest factor, found \(augment.scale)")
    require(
      optimization.learningRate > 0,
      "optimization.learningRate: expected a positive number, found \(optimization.learningRate)")
    require(
      (0..<1).contains(optimization.momentum), "optimization.momentum: expected 0..<1, found \(optimization.momentum)")
    require((0..<1).contains(loss.labelSmoothing), "loss.labelSmoothing: expected 0..<1, found \(loss.labelSmoothing)")
    return problems
  }
}
