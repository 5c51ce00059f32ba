import Foundation
import SegData
import SegImages
import SegKernels
import SegTraining

/// The pre-training of a ``FeatureNetwork``: a ResNet-18 learns to segment, its last three stages read by a small head;
/// what is kept are its first two.
public final class FeatureTask: TrainingTask {
  public var network: any Module { teacher }
  private let teacher: FeatureTeacher
  private let task: SegmentationTask

  /// A network that learns to segment, for its features.
  ///
  /// - Parameters:
  ///   - classes: what it tells apart.
  ///   - loss: of its logits.
  ///   - seed: draws the weights.
  public init(classes: ClassTable, loss: SegmentationLoss, seed: UInt64) {
    teacher = FeatureTeacher(classes: classes.count, seed: seed)
    task = SegmentationTask(teacher, ignoreIndex: classes.ignoreIndex.map(Int.init), loss: loss)
  }

  public func loss(_ batch: Batch, progress: Float) -> Tensor { task.loss(batch, progress: progress) }

  /// The first two stages as they are now.
  public var deployedNetwork: any Module {
    let features = FeatureNetwork()
    let values = Dictionary(uniqueKeysWithValues: teacher.encoder.state.map { ($0.name, $0.parameter.value) })
    for (name, parameter) in features.state { parameter.value = values[name]! }
    return features
  }

  /// The recipe of the bundled features; data, seed and steps are the caller's.
  public static var recipe: Recipe {
    var recipe = Recipe()
    recipe.name = "perceptual-features"
    recipe.model = "perceptual-features"
    recipe.augment.crop = [160, 320]
    recipe.augment.scale = [0.6, 1.5]
    recipe.augment.brightness = 0.3
    recipe.augment.contrast = 0.3
    recipe.augment.saturation = 0.3
    recipe.augment.hue = 0.05
    recipe.optimization.kind = .adamw
    recipe.optimization.learningRate = 0.002
    recipe.optimization.weightDecay = 0.02
    recipe.optimization.warmup = 50
    recipe.optimization.average = 0.998
    recipe.loss.classWeights = .logarithmic
    recipe.steps = 1500
    return recipe
  }
}

/// ResNet-18 with a head that reads its maps at 1/8, 1/16 and 1/32 together.
private final class FeatureTeacher: UnaryModule {
  let encoder = ResNet(.resNet(18)!)
  private let head: Sequential

  init(classes: Int, seed: UInt64) {
    head = pixelHead(
      inputChannels: encoder.outputChannels.dropFirst().reduce(0, +), hidden: 128, outputs: classes, isNormNested: false
    )
    initialize(.kaimingFanOut, seed: seed)
  }

  var parts: [Part] { [Part("encoder", encoder), Part("head", head)] }

  func callAsFunction(_ x: Tensor) -> Tensor { head(concatenatedAtFinestSize(Array(encoder(x).dropFirst()))) }
}
