import SegData
import SegImages
import SegKernels
import SegMetrics
import SegTraining
import SegXDistill

/// What a training of depth is made of: clips of streets, their task, and the network.
struct DepthTraining {
  let loader: BatchLoader
  let task: DepthTask
  let model: LoadedModel

  /// - Returns: nil where the recipe's model does not tell depth.
  /// - Throws: `UsageError` for recipes that cannot be run, `FileError` for groupings and teachers.
  init?(_ recipe: Recipe, _ source: DataSource) throws {
    let name = try ModelRegistry.resolve(ModelName(recipe.model))
    guard let configuration = DepthConfiguration(name: name.rawValue) else { return nil }
    func require(_ condition: Bool, _ problem: String) throws {
      guard condition else { throw UsageError("recipe \(recipe.name): \(problem)") }
    }
    let settings = recipe.depth, crop = recipe.augment.crop, size = Pair(height: crop[0], width: crop[1])
    try require(
      crop.allSatisfy { $0 % 32 == 0 }, "augment.crop: expected multiples of 32 for '\(name)', found \(crop)")
    let augment = recipe.augment
    try require(
      augment.scale == [1, 1] && !augment.flip && recipe.augmentation.color == nil && augment.blur == 0,
      "augment: expected scale [1, 1] and nothing else for '\(name)', whose frames belong together")
    try require(recipe.weights.isEmpty, "weights: expected none for '\(name)', found '\(recipe.weights)'")
    guard let streets = source.streets(split: recipe.data.split, size: size) else {
      throw UsageError("recipe \(recipe.name): '\(name)' learns from clips of streets, found '\(source.kind)'")
    }
    let clips = DepthClips(streets, clips: settings.clips, hasStereo: settings.stereo)
    try require(clips.count >= recipe.batch, "batch: expected at most \(clips.count) frames, found \(recipe.batch)")
    let model = try ModelRegistry.build(name, seed: recipe.seed)
    guard let network = model.network as? DepthNetwork else { return nil }
    var poseEncoder = configuration.encoder
    poseEncoder.inputChannels = 6
    let pose = settings.poses == .learned ? PoseNetwork(poseEncoder, seed: recipe.seed &+ 1) : nil
    let grouping = settings.distillation > 0 ? try ClassGrouping(settings.grouping) : nil
    loader = BatchLoader(
      clips, batchSize: recipe.batch, augmentation: recipe.augmentation, normalization: .unit, seed: recipe.seed)
    let teacher = grouping == nil || settings.teacher.isEmpty ? nil : try DepthTraining.teacher(settings.teacher)
    task = DepthTask(
      network, pose: pose, clips: clips, settings: settings, grouping: grouping, seed: recipe.seed,
      teacher: teacher ?? { $0.labels })
    let card = ModelCard(
      model: name.rawValue, classes: ClassTable(count: 1), normalization: .unit, size: size, recipe: recipe.hash,
      terms: source.terms)
    self.model = LoadedModel(model: model, card: card, report: LoadReport())
  }

  /// A frozen network's decisions on a batch.
  private static func teacher(_ weights: String) throws -> (Batch) -> Labels {
    let segmenter = try Segmenter(weights: Weights(weights))
    guard segmenter.classes.count == 19 else {
      throw UsageError("depth.teacher: expected Cityscapes' 19 classes, '\(weights)' knows \(segmenter.classes.count)")
    }
    return { batch in
      let shape = batch.labels.shape
      let labels = (0..<shape[0]).flatMap { index in
        let image = Image(batch.images.slice(axis: 0, index..<index + 1), normalization: .unit)
        return segmenter(image).labels.values
      }
      return Labels(shape, labels)
    }
  }

  /// The frames that a network is looked at with: the middle of each of 24 clips of the validation split.
  private static func frames(_ recipe: Recipe, _ source: DataSource, count: Int) -> [StreetFrame] {
    let size = Pair(height: recipe.augment.crop[0], width: recipe.augment.crop[1])
    guard let streets = source.streets(split: recipe.data.validation, size: size) else { return [] }
    return (0..<count).map { streets.clip(at: $0, frames: 3).frame(at: 1) }
  }

  /// The disparity of a frame, H×W: 1 / metres.
  private static func disparity(_ network: DepthNetwork, _ frame: StreetFrame) -> Tensor {
    let disparity = network(Tensor(frame.image, normalization: .unit))
    return network.configuration.depth(disparity).reciprocal().reshaped(frame.depth.shape)
  }

  /// The errors on clips of the validation split, KITTI's caps without its crop, scaled by the median where poses are
  /// learnt.
  static func scores(_ network: DepthNetwork, _ recipe: Recipe, _ source: DataSource) -> DepthScores {
    let isScaled = recipe.depth.poses == .learned && !recipe.depth.stereo
    var evaluation = DepthEvaluation(
      DepthProtocol(least: 1e-3, most: 80, crop: .none, scalesByMedian: isScaled))
    for frame in frames(recipe, source, count: 24) {
      evaluation.add(disparity: disparity(network, frame), truth: frame.depth)
    }
    return DepthScores(evaluation)
  }

  /// Photograph, truth and prediction of some frames, both as disparities over the truth's largest.
  static func samples(_ network: DepthNetwork, _ recipe: Recipe, _ source: DataSource, count: Int) -> [[Image]] {
    frames(recipe, source, count: count).map { frame in
      let truth = frame.depth.scalars.map { $0 > 0 ? 1 / $0 : 0 }
      let scale = 1 / (truth.max().flatMap { $0 > 0 ? $0 : nil } ?? 1)
      func picture(_ map: [Float]) -> Image {
        let gray = Tensor([1, 1, frame.depth.shape[0], frame.depth.shape[1]], map.map { min(max($0 * scale, 0), 1) })
        return Image(concatenate([gray, gray, gray], axis: 1), normalization: .unit)
      }
      return [frame.image, picture(truth), picture(disparity(network, frame).scalars)]
    }
  }
}
