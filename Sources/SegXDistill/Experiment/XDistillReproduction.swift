import Foundation
import SegData
import SegImages
import SegKernels
import SegTraining

/// X-Distill's claim as an experiment: depth learnt from other views gets better when groups of a segmentation
/// teacher's classes must be readable from it.
///
/// Arms learn from clips of streets with known poses, which leaves no doubt of the scale: photometry alone; X-Distill
/// with groups of classes; the same with all 19 classes, with a larger translator, with the labels of other frames, and
/// with the exact labels. Photometry and X-Distill once more with poses that are learnt along, scaled to the truth's
/// median. Cai et al. 2021 (arXiv 2110.12516).
public struct XDistillReproduction: Reproduction {
  private let makeTeacher: @Sendable () throws -> (Batch) -> Labels
  private let rendered = RenderedStreets()

  /// The experiment with a teacher.
  ///
  /// - Parameter teacher: opens the frozen teacher: batches of images in 0…1 to N×H×W trainIds.
  public init(teacher: @escaping @Sendable () throws -> (Batch) -> Labels) { makeTeacher = teacher }

  /// The arms and the contrasts.
  public let experiment = Experiment(
    paper: "xdistill",
    arms: [
      Experiment.Arm("baseline"),
      Experiment.Arm("xdistill", ["depth.distillation": 0.002]),
      Experiment.Arm("full19", ["depth.distillation": 0.002, "depth.grouping": "full19"]),
      Experiment.Arm("strong", ["depth.distillation": 0.002, "translator": "unet"]),
      Experiment.Arm("shuffled", ["depth.distillation": 0.002, "labels": "shuffled"]),
      Experiment.Arm("exact", ["depth.distillation": 0.002, "depth.teacher": ""]),
      Experiment.Arm("baseline-learned", ["depth.poses": "learned"]),
      Experiment.Arm("xdistill-learned", ["depth.poses": "learned", "depth.distillation": 0.002]),
    ],
    contrasts: [
      Experiment.Contrast("AbsRel", "xdistill", minus: "baseline", role: .claim),
      Experiment.Contrast("AbsRel, thin", "xdistill", minus: "baseline", role: .control),
      Experiment.Contrast("AbsRel, depth edges", "xdistill", minus: "baseline", role: .control),
      Experiment.Contrast("AbsRel", "xdistill", minus: "full19", role: .control),
      Experiment.Contrast("AbsRel", "xdistill", minus: "strong", role: .control),
      Experiment.Contrast("AbsRel", "xdistill", minus: "shuffled", role: .control),
      Experiment.Contrast("AbsRel", "exact", minus: "xdistill", role: .control),
      Experiment.Contrast("AbsRel", "xdistill-learned", minus: "baseline-learned", role: .control),
    ])

  /// 128×384, or 192×640 in full.
  public func size(_ preset: Experiment.Preset) -> Pair { preset == .quick ? [128, 384] : [192, 640] }

  /// The recipe of an arm.
  public func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe {
    var recipe = Recipe.experiment(preset)
    let size = size(preset)
    recipe.model = preset == .quick ? "monodepth2_resnet18_half" : "monodepth2_resnet18"
    recipe.augment.crop = [size.height, size.width]
    recipe.augment.scale = [1, 1]
    recipe.augment.flip = false
    recipe.optimization.learningRate = 0.001
    recipe.optimization.weightDecay = 0
    recipe.optimization.schedule = .steps
    recipe.optimization.milestones = [0.75]
    recipe.optimization.clip = 10
    recipe.steps = preset == .quick ? 3000 : 20_000
    return arm.recipe(over: recipe, ownKeys: ["translator", "labels"])
  }

  /// Trains and scores one arm.
  public func run(
    _ arm: Experiment.Arm, seed: UInt64, setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void
  ) throws -> RunResult {
    let recipe = recipe(arm, seed: seed, setup), size = size(setup.preset)
    guard let streets = setup.data.streets else {
      throw ReproductionError("xdistill: expected --data streets, whose depths and motions are known")
    }
    guard let configuration = DepthConfiguration(name: recipe.model) else {
      preconditionFailure("xdistill: no network '\(recipe.model)'")
    }
    let clips = rendered.clips(of: streets("train", size), count: setup.cut(recipe.depth.clips))
    let network = DepthNetwork(configuration, seed: seed)
    network.start(at: recipe.depth.firstDepth)
    let isLearned = recipe.depth.poses == .learned
    let pose = isLearned ? PoseNetwork(configuration.poseEncoder, seed: seed &+ 1) : nil
    let grouping = recipe.depth.distillation > 0 ? try ClassGrouping(recipe.depth.grouping) : nil
    var translator: UNetTranslator?
    if let grouping, arm.settings["translator"]?.text == "unet" {
      translator = UNetTranslator(groups: grouping.names.count, width: recipe.depth.translatorWidth, seed: seed)
    }
    let task = DepthTask(
      network, pose: pose, clips: clips, settings: recipe.depth, grouping: grouping, translator: translator, seed: seed,
      teacher: try grouping == nil ? .data : .decisions(teacher(of: arm, recipe)))
    var result = RunResult()
    result.steps = recipe.steps
    result.notes = setup.data.notes + ["encoders start from scratch: the shared one is of another family"]
    result.parameters = network.parameterCount
    result.trainGFLOPPerImage = recipe.trainingGFLOP { network.disparities($0) }
    let folder = setup.folder.appendingPathComponent("arm")
    result.seconds = try setup.train(task, recipe, on: clips, normalization: .unit, in: folder) {
      report("training", $0, $1)
    }
    network.setTraining(false)
    pose?.setTraining(false)
    let test = rendered.frames(of: streets("test", size), count: setup.cut(48))
    var slices = DepthSlices(scalesByMedian: isLearned), prior = DepthSlices(scalesByMedian: isLearned)
    let median = XDistillReproduction.medianDisparity(of: clips)
    for (index, frame) in test.enumerated() {
      let disparity = configuration.depth(network(Tensor(frame.image, normalization: .unit))).reciprocal()
      slices.add(disparity: disparity.reshaped(frame.depth.shape), of: frame)
      prior.add(disparity: median, of: frame)
      report("scoring", index + 1, test.count)
    }
    result.metrics = slices.metrics
    result.images = slices.images
    result.metrics.append(
      .init("AbsRel of the training depths' median", prior.metrics[0].value, higherIsBetter: false))
    if let pose, let likeness = try ClipLikeness(network, pose, on: setup.data.foreignClips, size: size) {
      result.metrics += [
        .init("photometric error of real clips, no claim", likeness.moved, higherIsBetter: false),
        .init("the same without motion", likeness.still, higherIsBetter: false),
      ]
    }
    result.inferMilliseconds = inferenceMilliseconds(network, size, repetitions: max(setup.cut(11), 3))
    return result
  }

  /// What all arms and seeds learn from and are scored on, which takes longer to render than an arm's first steps.
  private final class RenderedStreets: @unchecked Sendable {
    private let lock = NSLock()
    // Guarded by `lock`.
    private var clips: [String: DepthClips] = [:]
    private var frames: [String: [StreetFrame]] = [:]

    private func key(_ streets: StreetScenes, _ count: Int) -> String {
      "\(streets.seed) \(streets.split) \(streets.size) \(streets.domains) \(count)"
    }

    func clips(of streets: StreetScenes, count: Int) -> DepthClips {
      lock.withLock {
        let key = key(streets, count), known = clips[key] ?? DepthClips(streets, clips: count)
        clips[key] = known
        return known
      }
    }

    /// The middle frame of each of the first clips.
    func frames(of streets: StreetScenes, count: Int) -> [StreetFrame] {
      lock.withLock {
        let key = key(streets, count),
          known = frames[key] ?? (0..<count).map { streets.clip(at: $0, frames: 3).frame(at: 1) }
        frames[key] = known
        return known
      }
    }
  }

  /// What says the classes of an arm's batches.
  private func teacher(of arm: Experiment.Arm, _ recipe: Recipe) throws -> (Batch) -> Labels {
    let teacher = recipe.depth.teacher.isEmpty ? { (batch: Batch) in batch.labels } : try makeTeacher()
    guard arm.settings["labels"]?.text == "shuffled" else { return teacher }
    // Each frame gets the classes of the next one of its batch.
    return { batch in
      let labels = teacher(batch), area = labels.count / labels.shape[0]
      return Labels(labels.shape, Array(labels.values.dropFirst(area) + labels.values.prefix(area)))
    }
  }

  /// 1 over each pixel's median depth in the clips, H×W: what is known without looking at an image. 0 where every clip
  /// shows the sky.
  private static func medianDisparity(of clips: DepthClips) -> Tensor {
    let depths = stride(from: 0, to: clips.count, by: 3).map { clips.context(at: $0).depth }
    let columns = depths.map(\.scalars)
    let medians = (0..<depths[0].count).map { pixel -> Float in
      let known = columns.map { $0[pixel] }.filter { $0 > 0 }.sorted()
      return known.isEmpty ? 0 : 1 / known[known.count / 2]
    }
    return Tensor(depths[0].shape, medians)
  }
}
