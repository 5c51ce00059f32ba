import Foundation
import SegFiles
import SegHS3
import SegImages
import SegKernels
import SegTraining

/// Recipes with heads inside the network: which model is trained, and by which task.
struct SupervisedTraining {
  let recipe: Recipe
  let classes: ClassTable

  /// The network under an HS3-Fuse network's name; any other name as it is.
  private var base: ModelName { HS3FuseName(recipe.model).map { ModelName($0.base) } ?? ModelName(recipe.model) }

  /// The network that the first phase trains.
  func stagedNetwork() throws -> (model: RegisteredModel, network: any StagedSegmenter) {
    let model = try ModelRegistry.build(base, classes: classes.count, seed: recipe.seed)
    guard let network = model.network as? any StagedSegmenter else {
      throw UsageError("model '\(model.name)' shows no stages that heads could use")
    }
    do {
      _ = try network.places(of: recipe.supervision.stages)
    } catch let error as StageError {
      throw UsageError("model '\(model.name)': supervision.stages: \(error)")
    }
    return (model, network)
  }

  /// The model with as many clusters as are to be told apart, and its task, given clusters found or written by hand.
  ///
  /// - Parameter hierarchy: with the path of its file; nil for all classes at every stage.
  func task(
    _ hierarchy: (hierarchy: StageHierarchy, path: String)?, _ loss: SegmentationLoss
  ) throws -> (model: RegisteredModel, task: any TrainingTask) {
    let (plain, staged) = try stagedNetwork(), settings = recipe.supervision
    let names = try staged.places(of: settings.stages).map { staged.stages[$0].name }
    let clusters =
      try hierarchy.map { try $0.hierarchy.clusters(of: names, classes: classes.names, path: $0.path) }
      ?? names.map { _ in .separate(classes.count) }
    let counts = clusters.map(\.count)
    func supervise(_ network: any StageSupervised) -> HS3Task {
      HS3Task(
        network, clusters: clusters, ignoreIndex: classes.ignoreIndex.map(Int.init), loss: loss, settings: settings)
    }
    guard let fuse = HS3FuseName(recipe.model) else {
      return (
        plain,
        supervise(
          try StageSupervision(staged, stages: settings.stages, clusters: { _ in counts }, seed: recipe.seed))
      )
    }
    guard settings.stages.isEmpty else {
      throw UsageError("model '\(recipe.model)' fuses its usual stages; expected no supervision.stages")
    }
    let name = hierarchy == nil ? fuse : HS3FuseName(base: fuse.base, clusters: counts)
    let model = try ModelRegistry.build(ModelName("\(name)"), classes: classes.count, seed: recipe.seed)
    guard let network = model.network as? HS3Fuse else { throw UsageError("model '\(name)' is no HS3-Fuse network") }
    return (model, supervise(network))
  }
}
