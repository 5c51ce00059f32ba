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

  /// What a recipe learns depth from: clips of streets at its crop's size.
  ///
  /// - Returns: nil where the recipe's model does not tell depth.
  /// - Throws: `UsageError` for recipes that cannot be run.
  static func clips(_ recipe: Recipe, _ source: DataSource) throws -> (any SegmentationDataset)? {
    let name = try ModelRegistry.resolve(ModelName(recipe.model))
    guard DepthConfiguration(name: name.rawValue) != nil else { return nil }
    func require(_ condition: Bool, _ problem: String) throws {
      guard condition else { throw UsageError("recipe \(recipe.name): \(problem)") }
    }
    let augment = recipe.augment, crop = augment.crop
    try require(
      crop.allSatisfy { $0 % 32 == 0 }, "augment.crop: expected multiples of 32 for '\(name)', found \(crop)")
    try require(
      augment.scale == [1, 1] && !augment.flip && recipe.augmentation.color == nil && augment.blur == 0,
      "augment: expected scale [1, 1] and nothing else for '\(name)', whose frames belong together")
    try require(recipe.weights.isEmpty, "weights: expected none for '\(name)', found '\(recipe.weights)'")
    try require(
      recipe.supervision.kind == .none && recipe.loss.judgesLogitsAlone,
      "expected no supervision, loss.boundary, loss.inverseForm or loss.consistency for '\(name)', which tells depth")
    let size = Pair(height: crop[0], width: crop[1])
    guard let streets = source.streets(split: recipe.data.split, size: size) else {
      throw UsageError("recipe \(recipe.name): '\(name)' learns from clips of streets, found '\(source.kind)'")
    }
    return DepthClips(streets, clips: recipe.depth.clips, hasStereo: recipe.depth.stereo)
  }

  /// - Throws: `UsageError` and `FileError` for groupings and teachers.
  init(_ recipe: Recipe, _ clips: DepthClips, terms: String) throws {
    let settings = recipe.depth
    let model = try ModelRegistry.build(ModelName(recipe.model), seed: recipe.seed)
    guard let network = model.network as? DepthNetwork else {
      preconditionFailure("DepthTraining: expected a network that tells depth, found '\(model.name)'")
    }
    network.start(at: settings.firstDepth)
    let pose = settings.poses == .learned ? PoseNetwork(network.configuration.poseEncoder, seed: recipe.seed &+ 1) : nil
    let grouping = settings.distillation > 0 ? try ClassGrouping(settings.grouping) : nil
    loader = BatchLoader(
      clips, batchSize: recipe.batch, augmentation: recipe.augmentation, normalization: .unit, seed: recipe.seed)
    let teacher =
      grouping == nil || settings.teacher.isEmpty
      ? DepthTask.Teacher.data
      : settings.softTargets
        ? .probabilities(try DepthTraining.softTeacher(settings.teacher))
        : .decisions(try DepthTraining.teacher(settings.teacher))
    task = DepthTask(
      network, pose: pose, clips: clips, settings: settings, grouping: grouping, seed: recipe.seed,
      teacher: teacher)
    let card = ModelCard(
      model: model.name.rawValue, classes: ClassTable(count: 1), normalization: .unit,
      size: Pair(height: recipe.augment.crop[0], width: recipe.augment.crop[1]), recipe: recipe.hash, terms: terms)
    self.model = LoadedModel(model: model, card: card, report: LoadReport())
  }

  /// A frozen network's decisions on batches of images in 0…1; each image is looked at once, since tasks of depth
  /// never change one.
  ///
  /// - Throws: `UsageError` unless it knows Cityscapes' classes, `FileError` for files.
  static func teacher(_ weights: String) throws -> (Batch) -> Labels {
    let segmenter = try segmenter(of: weights)
    var known: [String: [Int32]] = [:]
    return { batch in
      let labels = batch.names.enumerated().flatMap { index, name -> [Int32] in
        if let labels = known[name] { return labels }
        let labels = segmenter(image(index, of: batch)).labels.values
        known[name] = labels
        return labels
      }
      return Labels(batch.labels.shape, labels)
    }
  }

  /// A frozen network's probabilities; they take too much memory to keep.
  ///
  /// - Throws: `UsageError` unless it knows Cityscapes' classes, `FileError` for files.
  static func softTeacher(_ weights: String) throws -> (Batch) -> Tensor {
    let segmenter = try segmenter(of: weights)
    return { batch in
      let images = batch.names.indices.map { index -> Tensor in
        let probabilities = segmenter(image(index, of: batch)).probabilities
        return probabilities.reshaped(1, 19, batch.images.shape[2], batch.images.shape[3])
      }
      return concatenate(images, axis: 0)
    }
  }

  private static func segmenter(of weights: String) throws -> Segmenter {
    let segmenter = try Segmenter(weights: Weights(weights))
    guard segmenter.classes.count == 19 else {
      throw UsageError("depth.teacher: expected Cityscapes' 19 classes, '\(weights)' knows \(segmenter.classes.count)")
    }
    return segmenter
  }

  private static func image(_ index: Int, of batch: Batch) -> Image {
    Image(batch.images.slice(axis: 0, index..<index + 1), normalization: .unit)
  }

  /// The errors on clips of the validation split, KITTI's caps without its crop, scaled by the median where poses are
  /// learnt.
  static func scores(_ model: LoadedModel, _ recipe: Recipe, _ source: DataSource) throws -> DepthScores {
    try DepthModelEvaluation(
      DepthEstimator(model), on: source, split: recipe.data.validation,
      rules: .uncropped(scalesByMedian: !recipe.depth.hasScale)
    ).scores
  }

  /// Photograph, truth and prediction of some frames of the validation split, near depths light.
  static func samples(_ model: LoadedModel, _ recipe: Recipe, _ source: DataSource, count: Int) throws -> [[Image]] {
    let estimator = try DepthEstimator(model)
    let frames = try DepthFrames(source, split: recipe.data.validation, size: estimator.size(nil))
    return try (0..<min(count, frames.count)).map { index in
      let (image, depth) = try frames.frame(index)
      let told = depthPicture(estimator(image))
      guard let depth else { return [image, Image(width: image.width, height: image.height), told] }
      return [image, depthPicture(Tensor(depth.shape, depth.scalars.map { $0 > 0 ? 1 / $0 : 0 })), told]
    }
  }
}
