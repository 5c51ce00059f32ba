import SegKernels
import SegTraining

extension FFNet {
  /// The network of an experiment's arm: fresh weights of the recipe's seed, and the encoder that all arms share, if
  /// there is one. Traps unless the recipe's model is an FFNet.
  ///
  /// - Throws: `LoadError` if the shared encoder is that of another network.
  public convenience init(experiment recipe: Recipe, classes: Int, _ setup: RunSetup) throws {
    guard let configuration = FFNetConfiguration(name: recipe.model, classes: classes) else {
      preconditionFailure("experiment: expected the name of an FFNet, found \(recipe.model)")
    }
    self.init(configuration, seed: recipe.seed)
    if let encoder = setup.encoder {
      try load(published: encoder.renamed("", to: "backbone_model."), .backboneOnly)
    }
  }
}
