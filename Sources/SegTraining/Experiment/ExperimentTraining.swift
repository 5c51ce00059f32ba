import Foundation
import SegData
import SegImages
import SegKernels

// What the run of an arm consists of, whatever the paper.

extension Reproduction {
  /// The recipe of a run: the arm's, with the run's seed, data and steps.
  public func recipe(_ arm: Experiment.Arm, seed: UInt64, _ setup: RunSetup) -> Recipe {
    var recipe = recipe(arm, setup.preset)
    recipe.seed = seed
    recipe.steps = setup.steps(of: recipe)
    recipe.data.kind = setup.data.name
    return recipe
  }
}

extension Recipe {
  /// What a training step computes for one image of the crop's size: three times the forward operations, backward being
  /// two products for each of forward's.
  public func trainingGFLOP(_ forward: (Tensor) -> [Tensor]) -> Double {
    let graph = Graph.capture(inputs: [[1, 3, augment.crop[0], augment.crop[1]]]) { forward($0[0]) }
    return 3 * Double(graph.floatingPointOperations) / 1e9
  }
}

extension RunSetup {
  /// Trains in a folder, from its last checkpoint if there is one. Returns the seconds.
  ///
  /// - Parameters:
  ///   - task: what is trained.
  ///   - recipe: how.
  ///   - dataset: what is learnt from.
  ///   - normalization: of the images that the task is given.
  ///   - folder: where the run writes.
  ///   - report: called with the steps done, of how many.
  /// - Throws: what data, checkpoints and training throw.
  public func train(
    _ task: any TrainingTask, _ recipe: Recipe, on dataset: any SegmentationDataset,
    normalization: ImageNormalization = .imageNet, in folder: URL, _ report: (Int, Int) -> Void
  ) throws -> Double {
    let loader = BatchLoader(
      dataset, batchSize: recipe.batch, augmentation: recipe.augmentation, normalization: normalization,
      seed: recipe.seed)
    let card = ModelCard(
      model: recipe.model, classes: dataset.classes, normalization: loader.normalization,
      size: Pair(height: recipe.augment.crop[0], width: recipe.augment.crop[1]), recipe: recipe.hash,
      terms: data.terms)
    let trainer = try Trainer(
      task, recipe: recipe, loader: loader, folder: folder, card: card, resume: Trainer.canResume(folder))
    var seconds = 0.0
    try trainer.run {
      seconds = $0.seconds
      report($0.step, $0.steps)
    }
    return seconds
  }
}
