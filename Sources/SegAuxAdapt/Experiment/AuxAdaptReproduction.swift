import Foundation
import SegData
import SegFFNet
import SegFormats
import SegImages
import SegKernels
import SegMetrics
import SegPretrained
import SegTraining

/// AuxAdapt's claim as an experiment: a small network that adapts makes a video more consistent than the same network
/// frozen, without making it worse.
///
/// Pairs (one a seed) start from the bundled `streets` weights and learn on: MainNet at the images' size, AuxNet at half
/// of it. Every arm sees the same clips of four domains; the unit is the clip. Where MainNet's mIoU in its own domain is
/// outside 50 to 85 % the run says nothing, and has no scores. Zhang et al. 2022 (arXiv 2110.12369).
public struct AuxAdaptReproduction: Reproduction {
  /// Looks at two neighbouring frames, and gives what scores labels of the first and the second of them.
  public typealias PairMeasure = (Image, Image) -> (Labels, Labels) -> Double

  /// Makes the measure of a run's PC.
  private let perceptualConsistency: @Sendable () throws -> PairMeasure

  /// The experiment of the paper.
  ///
  /// - Parameter perceptualConsistency: makes a measure of perceptual consistency, which another paper's module knows.
  public init(perceptualConsistency: @escaping @Sendable () throws -> PairMeasure) {
    self.perceptualConsistency = perceptualConsistency
  }

  /// How an arm segments a clip.
  enum Method: String, CaseIterable {
    case main, frozen, auxadapt, sum, itself = "self", tent, average
  }

  /// The lights of the clips: those that the networks have seen, and others.
  static let domains: [StreetDomain] = [.clear, .dusk, .rain, .foreignSensor]

  public let experiment = Experiment(
    paper: "auxadapt",
    arms: [
      Experiment.Arm("main", ["method": "MainNet alone"]),
      Experiment.Arm("frozen", ["method": "MainNet + frozen AuxNet"]),
      Experiment.Arm("auxadapt", ["method": "AuxAdapt, loss on AuxNet's own logits", "learningRate": 0.001]),
      Experiment.Arm("sum", ["method": "AuxAdapt, loss on the sum", "learningRate": 0.001]),
      Experiment.Arm("self", ["method": "MainNet adapts itself by pseudo-labels", "learningRate": 0.001]),
      Experiment.Arm("tent", ["method": "MainNet adapts itself by entropy (Tent)", "learningRate": 0.001]),
      Experiment.Arm("average", ["method": "running mean of MainNet's soft-max outputs", "decay": 0.5]),
    ],
    contrasts: [
      Experiment.Contrast("TC", "auxadapt", minus: "frozen", role: .claim),
      Experiment.Contrast("mIoU", "auxadapt", minus: "frozen", role: .claim, allowing: 0.003),
      Experiment.Contrast("PC", "auxadapt", minus: "frozen", role: .control),
      Experiment.Contrast("TC", "auxadapt", minus: "main", role: .control),
      Experiment.Contrast("TC", "auxadapt", minus: "sum", role: .control),
      Experiment.Contrast("TC", "auxadapt", minus: "self", role: .control),
      Experiment.Contrast("TC", "auxadapt", minus: "tent", role: .control),
      Experiment.Contrast("TC", "auxadapt", minus: "average", role: .control),
      Experiment.Contrast("mIoU", "auxadapt", minus: "average", role: .control),
      Experiment.Contrast("milliseconds", "auxadapt", minus: "self", role: .control),
    ])

  public func size(_ preset: Experiment.Preset) -> Pair { .experiment(preset) }

  public func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe {
    var recipe = Recipe.experiment(preset)
    recipe.optimization.learningRate = 0.0005
    recipe.steps = preset == .quick ? 400 : 2000
    return arm.recipe(over: recipe, ownKeys: ["method", "learningRate", "decay"])
  }

  public func run(
    _ arm: Experiment.Arm, seed: UInt64, setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void
  ) throws -> RunResult {
    guard setup.data.streets != nil else {
      throw ReproductionError("auxadapt: expected --data streets: exact flow is known of made-up clips alone")
    }
    return try JointRuns("auxadapt 2", seed: seed, setup: setup).result(of: arm.name) {
      try results(seed, setup, report)
    }
  }

  /// The results of all arms.
  private func results(
    _ seed: UInt64, _ setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void
  ) throws -> [String: RunResult] {
    let pair = try NetworkPair(self, seed, setup, report), measure = try perceptualConsistency()
    let isQuick = setup.preset == .quick, clips = setup.cut(isQuick ? 8 : 20), frames = setup.cut(isQuick ? 30 : 60)
    let classes = setup.data.folds[0].train.classes
    var scores = Dictionary(
      uniqueKeysWithValues: Method.allCases.map { ($0, ClipScores(classes: classes.count)) })
    let auxiliary = ClipRunner(auxiliaryOf: pair)
    var auxiliaryMatrix = ConfusionMatrix(classes: classes.count), done = 0
    let total = AuxAdaptReproduction.domains.count * clips * frames
    for domain in AuxAdaptReproduction.domains {
      let whole = setup.data.streets!("test", size(setup.preset))
      let streets = StreetScenes(split: whole.split, size: whole.size, domains: [domain], seed: whole.seed)
      for index in 0..<clips {
        let clip = streets.clip(at: index, frames: frames)
        let runners = try Method.allCases.map { ($0, try ClipRunner($0, pair)) }
        for method in Method.allCases { scores[method]!.startClip(domain.rawValue) }
        var last: Image?
        // As many frames at once as there are threads.
        for first in stride(from: 0, to: frames, by: 8) {
          let places = Array(first..<min(first + 8, frames))
          let rendered = clip.frames(at: places)
          // Nothing is to be consistent across a cut.
          let flows = concurrentMap(places) {
            $0 > 0 && !clip.isCut(before: $0) ? clip.flow(from: $0, to: $0 - 1) : nil
          }
          for (frame, flow) in zip(rendered, flows) {
            let motion = flow.map {
              ClipScores.Motion(
                exact: $0, estimated: DenseInverseSearch()(from: frame.image, to: last!),
                perceptual: measure(last!, frame.image))
            }
            last = frame.image
            if domain == .clear {
              auxiliaryMatrix.add(prediction: auxiliary.segment(frame.image).labels, truth: frame.labels)
            }
            for place in runners.indices {
              let method = runners[place].0
              let (labels, seconds) = runners[place].1.segment(frame.image)
              scores[method]!.add(labels, frame.labels, motion, seconds)
            }
            done += 1
            report("clips", done, total)
          }
        }
        for method in Method.allCases { scores[method]!.endClip() }
      }
    }
    let own = scores[.main]!.meanIoU(of: StreetDomain.clear.rawValue)
    // With few frames of few clips the score says little about the network.
    let isInformative = setup.steps != nil || own.map { (0.5...0.85).contains($0) } ?? false
    return Dictionary(
      uniqueKeysWithValues: scores.map { method, scores in
        var result = RunResult()
        result.parameters =
          pair.main.parameterCount + ([.frozen, .auxadapt, .sum].contains(method) ? pair.auxiliary.parameterCount : 0)
        result.inferMilliseconds = scores.milliseconds
        result.steps = pair.steps
        result.seconds = pair.seconds / Double(Method.allCases.count)
        result.metrics = scores.metrics
        result.images = scores.rows
        result.notes = [
          String(
            format: "mIoU on all frames of clear light, seed \(seed): MainNet %.1f %%, AuxNet %.1f %%",
            (own ?? .nan) * 100, auxiliaryMatrix.meanIoU() * 100)
        ]
        if !isInformative {
          result.notes.append("seed \(seed): MainNet is outside 50 to 85 % mIoU: refused as uninformative")
          for index in result.metrics.indices { result.metrics[index].value = nil }
        }
        return (method.rawValue, result)
      })
  }
}

/// MainNet and AuxNet of a seed, as weights.
struct NetworkPair {
  let main: FFNet, auxiliary: FFNet
  let steps: Int
  let seconds: Double
  private let configuration: FFNetConfiguration

  /// Trains both from the bundled weights: MainNet on crops of the images' size, AuxNet on images of half the size.
  init(
    _ reproduction: AuxAdaptReproduction, _ seed: UInt64, _ setup: RunSetup,
    _ report: @escaping (String, Int, Int) -> Void
  ) throws {
    let fold = setup.data.folds[0], classes = fold.train.classes
    let recipe = reproduction.recipe(reproduction.experiment.arms[0], seed: seed, setup)
    let configuration = FFNetConfiguration(name: "ffnet22S_half_BCC", classes: classes.count)!
    let values = try BundledWeights.streets.archive().tensors
    var seconds = 0.0
    func trained(_ name: String, scale: Float) throws -> FFNet {
      let network = FFNet(configuration, seed: seed)
      try network.load(published: values)
      var recipe = recipe
      recipe.augment.scale = recipe.augment.scale.map { $0 * scale }
      recipe.augment.crop = recipe.augment.crop.map { Int(Float($0) * scale) }
      let task = SegmentationTask(
        network, ignoreIndex: classes.ignoreIndex.map(Int.init), loss: SegmentationLoss(recipe.loss))
      seconds += try setup.train(
        task, recipe, on: fold.train, in: setup.folder.appendingPathComponent(name)
      ) { report("training \(name)", $0, $1) }
      return network
    }
    main = try trained("MainNet", scale: 1)
    auxiliary = try trained("AuxNet", scale: 0.5)
    steps = recipe.steps
    self.seconds = seconds
    self.configuration = configuration
  }

  /// A copy of a network that its holder may change.
  func copy(of network: FFNet) -> FFNet {
    let copy = FFNet(configuration, seed: nil)
    for (target, source) in zip(copy.parameters, network.parameters) { target.value = source.value.detached() }
    return copy
  }
}
