import Foundation
import SegData
import SegImages
import SegKernels
import SegPerceptualConsistency
import SegTraining

/// `segkernels pretrain perceptual-features`: the features of perceptual consistency learn from made-up streets, or from
/// other labelled images.
public struct FeaturePretraining {
  private let trainer: Trainer
  /// Where the run is, `weights.safetensors` at its end.
  public let folder: URL

  /// A run that trains the features of perceptual consistency.
  ///
  /// - Parameters:
  ///   - source: the data set.
  ///   - split: what is learnt from.
  ///   - steps: how many steps.
  ///   - seed: draws weights and batches.
  ///   - folder: where the run writes; one with checkpoints of the same run is gone on with.
  /// - Throws: `UsageError` for a run without steps, `FileError` for data and folders.
  public init(_ source: DataSource, split: String, steps: Int, seed: UInt64, folder: URL) throws {
    var recipe = FeatureTask.recipe
    (recipe.data.kind, recipe.data.split, recipe.steps, recipe.seed) = (source.kind, split, steps, seed)
    guard recipe.problems.isEmpty else { throw UsageError(recipe.problems.joined(separator: "; ")) }
    let dataset = try source.dataset(split: split)
    guard dataset.count >= recipe.batch else {
      throw UsageError("a batch of \(recipe.batch) needs as many samples, found \(dataset.count)")
    }
    let loader = BatchLoader(
      dataset, batchSize: recipe.batch, augmentation: recipe.augmentation, seed: seed)
    let loss = SegmentationLoss(recipe.loss, classWeights: try recipe.loss.classWeights.weights(for: dataset))
    let card = ModelCard(
      model: recipe.model, classes: dataset.classes, normalization: loader.normalization,
      size: Pair(height: recipe.augment.crop[0], width: recipe.augment.crop[1]), recipe: recipe.hash,
      terms: source.terms)
    self.folder = folder
    trainer = try Trainer(
      FeatureTask(classes: dataset.classes, loss: loss, seed: seed), recipe: recipe, loader: loader, folder: folder,
      card: card, resume: Trainer.canResume(folder))
  }

  /// Trains and writes the weights; returns their file.
  public func run(_ report: (Trainer.Progress) -> Void) throws -> URL {
    try trainer.run(report)
    return folder.appendingPathComponent("weights.safetensors")
  }
}
