import SegKernels

extension Recipe {
  /// The recipe that experiments begin with: half-width FFNet-22S on streets, AdamW. Papers change what their claim
  /// needs; data, seed and the user's steps are filled in by the run.
  ///
  /// quick: 192×384, batch 8, 2,000 steps. full: 256×512, batch 8, 10,000 steps.
  public static func experiment(_ preset: Experiment.Preset) -> Recipe {
    var recipe = Recipe()
    recipe.name = "experiment-\(preset.rawValue)"
    recipe.model = "segmentation_ffnet22S_half_BCC"
    let size = Pair.experiment(preset)
    recipe.augment.crop = [size.height, size.width]
    recipe.augment.scale = [0.6, 1.5]
    recipe.optimization.kind = .adamw
    recipe.optimization.learningRate = 0.002
    recipe.optimization.weightDecay = 0.02
    recipe.optimization.warmup = 50
    recipe.steps = preset == .quick ? 2000 : 10_000
    return recipe
  }
}

extension Pair {
  /// Rows and columns of an experiment's images where the claim needs no others: 192×384, or 256×512 in full.
  public static func experiment(_ preset: Experiment.Preset) -> Pair { preset == .quick ? [192, 384] : [256, 512] }
}
