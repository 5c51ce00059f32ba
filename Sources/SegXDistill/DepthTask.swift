import SegData
import SegImages
import SegKernels
import SegTraining

extension Recipe.Depth {
  /// Whether the data tell how long a metre is; otherwise depths are known up to a factor.
  package var hasScale: Bool { poses == .known || stereo }

  /// Where the depth of a fresh network starts, in metres; without a scale, where motions start small, near by.
  package var firstDepth: Float { hasScale ? 10 : 0.2 }
}

/// Trains depth from clips, with X-Distill's loss beside it where the recipe asks for it:
/// L = photometric + λₛ smoothness + λₓ · cross entropy(translator(disparity), groups of a frozen teacher's classes).
///
/// For the first `distillationStart` of the run the translator learns from the disparity, but not the disparity from it:
/// a fresh depth is the same everywhere, there is nothing to read off it, and what it is told then leads it away from
/// where photometry would. Poses are the clips' own, or those of a network that learns along. Batches must be whole
/// frames of ``DepthClips``: not scaled, cut or mirrored. Cai et al. 2021, Eq. 1; the start is ours.
public final class DepthTask: TrainingTask {
  /// What X-Distill's teacher says of a batch, whose images are in 0…1.
  public enum Teacher {
    /// N×H×W classes, by trainId.
    case decisions((Batch) -> Labels)
    /// N×19×H×W probabilities.
    case probabilities((Batch) -> Tensor)

    /// What the data say.
    public static var data: Teacher { .decisions { $0.labels } }
  }

  /// The network, its helpers, and nothing else that moves.
  private final class Parts: Module {
    let depth: DepthNetwork
    let pose: PoseNetwork?
    let translator: (any UnaryModule)?

    init(_ depth: DepthNetwork, _ pose: PoseNetwork?, _ translator: (any UnaryModule)?) {
      (self.depth, self.pose, self.translator) = (depth, pose, translator)
    }

    var parts: [Part] { [Part("depth", depth), Part("pose", pose), Part("translator", translator)] }
  }

  public var network: any Module { all }
  public var deployedNetwork: any Module { all.depth }
  private let all: Parts
  private let clips: DepthClips
  private let settings: Recipe.Depth
  private let grouping: ClassGrouping?
  private let teacher: Teacher
  private let loss: DepthLoss

  /// The task of learning depth from clips.
  ///
  /// - Parameters:
  ///   - network: tells disparities.
  ///   - pose: learns the motions; nil where the clips' own are used. Its encoder sees frames of the same drive alone,
  ///     so that a stereo pair always has its known motion.
  ///   - clips: the frames that batches are made of.
  ///   - settings: factors and when they begin to count.
  ///   - grouping: of X-Distill; nil for photometry alone.
  ///   - translator: from disparities to logits of the grouping's groups; by default a ``DepthTranslator``.
  ///   - seed: draws the translator's weights.
  ///   - teacher: what X-Distill's teacher says of a batch.
  public init(
    _ network: DepthNetwork, pose: PoseNetwork?, clips: DepthClips, settings: Recipe.Depth, grouping: ClassGrouping?,
    translator: (any UnaryModule)? = nil, seed: UInt64, teacher: Teacher = .data
  ) {
    let translator = grouping.map {
      translator ?? DepthTranslator(groups: $0.names.count, width: settings.translatorWidth, seed: seed)
    }
    all = Parts(network, pose, translator)
    (self.clips, self.settings, self.grouping, self.teacher) = (clips, settings, grouping, teacher)
    var loss = DepthLoss()
    loss.smoothness = settings.smoothness
    self.loss = loss
  }

  public func loss(_ batch: Batch, progress: Float) -> Tensor {
    let disparities = all.depth.disparities(batch.images), photometric = photometry(disparities, batch)
    let isTaught = progress >= settings.distillationStart
    guard let term = distillation(isTaught ? disparities[0] : disparities[0].detached(), batch) else {
      return photometric
    }
    return photometric + term * settings.distillation
  }

  /// λₓ ‖∂ cross entropy / ∂d‖ over ‖∂ photometric / ∂d‖, d the finest disparity: how much of the say X-Distill has.
  public func figures(_ batch: Batch) -> [ValidationScore] {
    guard all.translator != nil else { return [] }
    let disparities = all.depth.disparities(batch.images)
    func norm(_ loss: (Tensor) -> Tensor) -> Double {
      let slope = valueAndGradient(at: [disparities[0]]) { loss($0[0]) }.gradients[0]
      return slope.scalars.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    let own = norm { photometry([$0] + disparities.dropFirst(), batch) }
    let taught = norm { distillation($0, batch)! } * Double(settings.distillation)
    return [ValidationScore(name: "gradient of distillation over photometry's", value: taught / own)]
  }

  /// What the other views say about disparities, finest first.
  private func photometry(_ disparities: [Tensor], _ batch: Batch) -> Tensor {
    let contexts = batch.names.map(clips.context(named:)), target = batch.images
    let views = contexts[0].views.indices.map { view -> DepthLoss.View in
      let image = Tensor(contexts.map { $0.views[view] }, normalization: .unit)
      guard let pose = all.pose, view < 2 else {
        return .init(image: image, motion: RigidMotion(contexts.map { $0.motions[view] }))
      }
      return .init(image: image, motion: pose.motion(from: target, to: image, isForward: view == 1))
    }
    return loss(
      disparities, target: target, views: views, intrinsics: Tensor(contexts.map(\.intrinsics)),
      all.depth.configuration)
  }

  /// The cross entropy of the groups that the translator reads off a disparity; nil without X-Distill.
  func distillation(_ disparity: Tensor, _ batch: Batch) -> Tensor? {
    guard let translator = all.translator, let grouping else { return nil }
    let logits = translator(disparity)
    switch teacher {
    case .decisions(let decide): return crossEntropy(logits, grouping(decide(batch)), ignoreIndex: 255)
    case .probabilities(let judge): return crossEntropy(logits, targets: grouping(judge(batch)))
    }
  }
}
