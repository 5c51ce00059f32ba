import SegKernels

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

  /// What is done to samples at random.
  public struct Augment: Codable, Sendable, Hashable {
    /// The least and the largest factor.
    public var scale: [Float] = [0.5, 2]
    /// Rows and columns.
    public var crop: [Int] = []
    /// Whether half of the samples are mirrored.
    public var flip = true
    /// Factors of 1 ± this on colours; see `ColorJitter`.
    public var brightness: Float = 0
    /// Factors of 1 ± this on differences from the mean grey.
    public var contrast: Float = 0
    /// Factors of 1 ± this on differences from a pixel's grey.
    public var saturation: Float = 0
    /// Turns of the hue, ± this.
    public var hue: Float = 0
    /// Half of the samples are blurred by a Gaussian of up to this deviation, in pixels.
    public var blur: Float = 0
  }

  /// How parameters move.
  public struct Optimization: Codable, Sendable, Hashable {
    /// Which optimizer.
    public enum Kind: String, Codable, Sendable {
      /// Stochastic gradient descent with momentum, or AdamW.
      case sgd, adamw
    }
    /// How the rate falls.
    public enum ScheduleKind: String, Codable, Sendable {
      /// Not at all; by a power of the share of the run that is left; by half a cosine; by a factor at each milestone.
      case constant, poly, cosine, steps
    }

    /// A part of the network, by the beginning of its parameters' names, and the factor of its rate; 0 freezes it.
    public struct PartRate: Codable, Sendable, Hashable {
      /// The beginning of the names, `backbone_model.` for instance.
      public var part: String
      /// Times the rate.
      public var factor: Float

      /// A part and its factor.
      public init(part: String, factor: Float) {
        self.part = part
        self.factor = factor
      }
    }

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
    /// Of the schedule `steps`: the shares of the run at which the rate falls, and by which factor.
    public var milestones: [Float] = [0.6, 0.85]
    /// See ``milestones``.
    public var milestoneFactor: Float = 0.1
    /// Steps of linear warm-up.
    public var warmup = 0
    /// The norm that all gradients together are clipped to; 0 for no clipping.
    public var clip: Float = 0
    /// Batches whose gradients are averaged for one step.
    public var accumulate = 1
    /// The decay of the average of all weights that the run ends with; 0 for the last weights.
    public var average: Float = 0
    /// Factors of the rate for parts of the network.
    public var rates: [PartRate] = []
  }

  /// What is made small: a sum of losses, each with a factor, 0 leaving it out.
  public struct Loss: Codable, Sendable, Hashable {
    /// How much each class counts.
    public enum Weights: String, Codable, Sendable {
      /// All alike.
      case none
      /// 1 / log(1.02 + share of the class): ENet's rule, milder than median frequency.
      case logarithmic
      /// Median of the class frequencies over the class's own, over the images that contain it.
      case medianFrequency
      /// 2 − the class's share of the batch where it occurs, else 1, batch by batch: InverseForm's rule.
      case batch
      /// The same weights in InverseForm's released form: the weighted mean of each image, summed over the batch.
      case released
      /// As ``classWeightList`` says.
      case list
    }

    /// The share of a label that is spread over all classes.
    public var labelSmoothing: Float = 0
    /// How much each class counts in the cross entropy.
    public var classWeights = Weights.none
    /// The share of the run in which ``classWeights`` count; for the rest of it every pixel counts alike. Weights teach
    /// the rare classes, and make them too large; the rest of the run mends that.
    public var weightedShare: Float = 1
    /// A weight for each class, for the class weights `list`.
    public var classWeightList: [Float] = []
    /// γ of the focal loss in place of cross entropy; 0 for cross entropy.
    public var focusing: Float = 0
    /// Cross entropy counts pixels alone whose label is less probable than this, 0.7 as a rule; 0 for all pixels.
    public var hardThreshold: Float = 0
    /// The least share of the labelled pixels that counts all the same.
    public var hardShare: Float = 1 / 16
    /// The least number of pixels that counts, in place of a share; 0 for the share.
    public var hardCount = 0
    /// The factor of the cross entropy.
    public var crossEntropy: Float = 1
    /// The factor of the Dice loss.
    public var dice: Float = 0
    /// The factor of the Lovász-Softmax loss.
    public var lovasz: Float = 0
    /// The factor of the region mutual information loss, of softmax probabilities.
    public var regionMutualInformation: Float = 0

    /// The factor of the balanced cross entropy of boundaries, InverseForm's β; where this or ``inverseForm`` is
    /// positive, the network gets a boundary branch for training.
    public var boundary: Float = 0
    /// The factor of InverseForm's own term, γ, by the inverse network that comes with the package.
    public var inverseForm: Float = 0
    /// The factor of the edge attention, δ: the cross entropy once more, of the pixels alone that the boundary branch
    /// holds for boundaries. The released code's is 0.1; the paper has none.
    public var attention: Float = 0
    /// The factor of |log depth − log truth|, of networks that tell depth beside classes.
    public var depth: Float = 0
    /// The factor of the perceptual-consistency regulariser, of pairs of frames as ``Recipe/pairs`` has them.
    public var consistency: Float = 0

    /// Whether all that is made small follows from logits and labels, without a branch or frames beside them.
    public var judgesLogitsAlone: Bool { !needsBoundary && depth == 0 && consistency == 0 }

    /// Whether there is a loss of predicted boundaries, or of what they show.
    public var needsBoundary: Bool { boundary > 0 || inverseForm > 0 || attention > 0 }

    /// Plain cross entropy.
    public init() {}
  }

  /// Where networks that answer at any position are asked in training; others do not look at it.
  public struct Queries: Codable, Sendable, Hashable {
    /// Which positions.
    public enum Kind: String, Codable, Sendable {
      /// The finest level's grid, as IFA's released code does.
      case grid
      /// One random pixel of every 4×4 cell.
      case jittered
      /// Random pixels of the image, ``count`` of them.
      case points
    }

    /// Which positions.
    public var kind = Kind.points
    /// Of the kind `points`: how many an image.
    public var count = 8192
    /// The factor of the auxiliary head's loss.
    public var auxiliary: Float = 0.4

    /// Random pixels: this package's default.
    public init() {}
  }

  /// Heads on stages inside the network, which training alone needs: deep supervision and HS3.
  public struct Supervision: Codable, Sendable, Hashable {
    /// What the heads are asked.
    public enum Kind: String, Codable, Sendable {
      /// There are none.
      case none
      /// All classes: deep supervision.
      case deep
      /// Clusters of classes, fewer at weaker stages: HS3.
      case hierarchical
    }

    /// What the heads are asked.
    public var kind = Kind.none
    /// The stages by name; those that are usual for the network if none is named.
    public var stages: [String] = []
    /// λ, the factor of each head's cross entropy.
    public var weight: Float = 0.4
    /// Whether a head of k clusters counts λ · log N / log k, so that it starts with the loss of one of N classes.
    public var isBalanced = true
    /// Heads are judged on a grid this many times coarser than the labels.
    public var stride = 4
    /// A file of clusters; "" for clusters that a first phase finds.
    public var clusters = ""
    /// The share of the training samples, the last in order, that the first phase does not learn from: what the
    /// network mistakes for what is counted there.
    public var heldOut: Float = 0.1
    /// Steps of the first phase; 0 for as many as the run has.
    public var firstSteps = 0
    /// How the partitions into 1, 2, … clusters hang together.
    public var cuts = ClassCuts.Kind.independent
    /// The scaling of complexity in the rule that chooses the number of clusters.
    public var axis = ComplexityAxis.share

    /// No heads.
    public init() {}
  }

  /// Targets and losses of networks that find things; others do not look at it.
  public struct Panoptic: Codable, Sendable, Hashable {
    /// σ of the Gaussians that centres are learnt from, in pixels of the crop.
    public var sigma: Float = 8
    /// A thing of fewer pixels is small.
    public var smallArea = 4096
    /// How much pixels of small things count in the semantic loss.
    public var smallWeight: Float = 3
    /// The share of all pixels, the hardest ones, that the semantic loss is taken over.
    public var hardShare: Float = 0.2
    /// The factor of the semantic loss: of pixels, or of queries' classes.
    public var semantic: Float = 1
    /// The factor of the centres' squared error.
    public var center: Float = 200
    /// The factor of the offsets' absolute error, which is in pixels of the crop.
    public var offset: Float = 0.01
    /// MaskFormer: how much queries that no segment is matched with count in the semantic loss.
    public var noObject: Float = 0.1
    /// MaskFormer: the factor of the masks' focal loss.
    public var focal: Float = 20
    /// MaskFormer: the factor of the masks' Dice loss.
    public var dice: Float = 1
    /// The factor of all these for the first prediction of two.
    public var initial: Float = 0.5

    /// The published factors, Panoptic-DeepLab's for crops of Cityscapes' own size.
    public init() {}

    var problems: [String] {
      var problems: [String] = []
      func require(_ condition: Bool, _ problem: String) { if !condition { problems.append(problem) } }
      require(sigma > 0, "panoptic.sigma: expected a positive number, found \(sigma)")
      require(smallArea >= 0, "panoptic.smallArea: expected at least 0, found \(smallArea)")
      require(hardShare > 0 && hardShare <= 1, "panoptic.hardShare: expected more than 0 up to 1, found \(hardShare)")
      let factors = [smallWeight, semantic, center, offset, noObject, focal, dice, initial]
      require(factors.allSatisfy { $0 >= 0 }, "panoptic: expected factors of at least 0, found \(factors)")
      return problems
    }
  }

  /// Pairs of unlabelled frames for the perceptual-consistency regulariser.
  public struct Pairs: Codable, Sendable, Hashable {
    /// Which places of two frames belong together.
    public enum Match: String, Codable, Sendable {
      /// Those that look most alike.
      case features
      /// Those at the same place: a control.
      case samePosition
      /// Those along exact flow: another control.
      case exactFlow
    }

    /// How many pairs there are; they are rendered before the first step.
    public var count = 200
    /// The frames of a pair are at most so many apart.
    public var gap = 5
    /// Which places belong together.
    public var match = Match.features

    /// The package's defaults.
    public init() {}
  }

  /// Self-supervised depth; other models do not look at it.
  public struct Depth: Codable, Sendable, Hashable {
    /// Where the motions between frames come from.
    public enum Poses: String, Codable, Sendable {
      /// From the data.
      case known
      /// From a network that learns along.
      case learned
    }

    /// Where the motions between frames come from.
    public var poses = Poses.known
    /// Whether the right camera's picture is a view as well.
    public var stereo = false
    /// Clips of streets to learn from, eight frames each.
    public var clips = 60
    /// The factor of the smoothness.
    public var smoothness: Float = 1e-3
    /// X-Distill's factor; 0 for photometry alone.
    public var distillation: Float = 0
    /// The share of the run after which X-Distill's loss moves the depth; before, it teaches its own network alone.
    public var distillationStart: Float = 0.2
    /// `geometry6`, `coarse4`, `full19`, or a file of groups.
    public var grouping = "geometry6"
    /// The teacher: weights that come with the package or a file; "" for the data's own classes.
    public var teacher = "streets"
    /// Whether the teacher's probabilities are what the groups are read against, in place of its decisions.
    public var softTargets = false
    /// Channels of the network that reads groups off the depth.
    public var translatorWidth = 32

    /// Known poses, photometry alone.
    public init() {}

    var problems: [String] {
      var problems: [String] = []
      if clips < 1 { problems.append("depth.clips: expected at least 1, found \(clips)") }
      if smoothness < 0 || distillation < 0 {
        problems.append("depth: expected factors of at least 0, found \([smoothness, distillation])")
      }
      if !(0...1).contains(distillationStart) {
        problems.append("depth.distillationStart: expected 0 to 1, found \(distillationStart)")
      }
      if softTargets && teacher.isEmpty {
        problems.append(
          "depth.softTargets: expected a depth.teacher, which has probabilities; the data's classes have none")
      }
      if translatorWidth < 1 {
        problems.append("depth.translatorWidth: expected at least 1, found \(translatorWidth)")
      }
      return problems
    }
  }

  /// What the run is called.
  public var name = ""
  /// A published model name.
  public var model = ""
  /// The data to learn from.
  public var data = Source()
  /// What is done to samples at random.
  public var augment = Augment()
  /// How parameters move.
  public var optimization = Optimization()
  /// Where networks that answer at any position are asked.
  public var queries = Queries()
  /// Heads on stages inside the network.
  public var supervision = Supervision()
  /// Targets and losses of networks that find things.
  public var panoptic = Panoptic()
  /// Pairs of frames, where the loss asks for them.
  public var pairs = Pairs()
  /// Self-supervised depth.
  public var depth = Depth()
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
  /// Steps between scores on the validation split; 0 for one at the end alone.
  public var validateEvery = 0
  /// Steps between pictures of samples in TensorBoard's log; 0 for none.
  public var samplesEvery = 500
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
    require(validateEvery >= 0, "validateEvery: expected at least 0, found \(validateEvery)")
    require(samplesEvery >= 0, "samplesEvery: expected at least 0, found \(samplesEvery)")
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
    require(optimization.clip >= 0, "optimization.clip: expected 0 or a norm, found \(optimization.clip)")
    require(
      optimization.accumulate >= 1, "optimization.accumulate: expected at least 1, found \(optimization.accumulate)")
    require(
      (0..<1).contains(optimization.average), "optimization.average: expected 0..<1, found \(optimization.average)")
    require(
      optimization.rates.allSatisfy { $0.factor >= 0 },
      "optimization.rates: expected factors of at least 0, found \(optimization.rates.map(\.factor))")
    for (name, amount) in [
      ("brightness", augment.brightness), ("contrast", augment.contrast), ("saturation", augment.saturation),
    ] {
      require((0...1).contains(amount), "augment.\(name): expected 0...1, found \(amount)")
    }
    require((0...0.5).contains(augment.hue), "augment.hue: expected 0...0.5, found \(augment.hue)")
    require(queries.count >= 1, "queries.count: expected at least 1, found \(queries.count)")
    require(queries.auxiliary >= 0, "queries.auxiliary: expected at least 0, found \(queries.auxiliary)")
    require(pairs.count >= 1, "pairs.count: expected at least 1, found \(pairs.count)")
    require((1...30).contains(pairs.gap), "pairs.gap: expected 1 to 30, found \(pairs.gap)")
    require((0...16).contains(augment.blur), "augment.blur: expected 0...16, found \(augment.blur)")
    return problems + supervision.problems(loss) + loss.problems + panoptic.problems + depth.problems
  }
}
