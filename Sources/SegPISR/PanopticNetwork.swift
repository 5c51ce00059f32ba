import SegKernels
import SegTraining

/// What is known of the things and classes of a batch.
public struct PanopticTruth: Sendable {
  /// N×H×W classes.
  public let labels: Labels
  /// N×H×W, above 0 on counted things, another number for each of an image.
  public let instances: Labels
  /// Which classes are things.
  public let things: [Bool]
  /// The label of pixels of which nothing is known.
  public let ignoreIndex: Int

  /// The truth of a batch.
  public init(labels: Labels, instances: Labels, things: [Bool], ignoreIndex: Int) {
    self.labels = labels
    self.instances = instances
    self.things = things
    self.ignoreIndex = ignoreIndex
  }
}

/// Where the outputs of a network lie over a photograph: enlarged to `whole`, of which the photograph is the upper left
/// part.
public struct PanopticFrame: Sendable, Hashable {
  /// What outputs are enlarged to.
  public let whole: Pair
  /// Rows and columns of the photograph.
  public let size: Pair

  /// A frame; by default the photograph is all of it.
  public init(whole: Pair, size: Pair? = nil) {
    self.whole = whole
    self.size = size ?? whole
  }
}

/// A network that finds things beside classes. As a `UnaryModule` it gives class scores N×C×h×w alone.
public protocol PanopticNetwork: UnaryModule {
  /// Which classes are things; all classes in their order.
  var things: [Bool] { get }

  /// All outputs that ``panoptic(_:in:)`` needs, from images N×3×H×W; the class scores first.
  func outputs(_ x: Tensor) -> [Tensor]

  /// The classes and things of one image from its outputs.
  func panoptic(_ outputs: [Tensor], in frame: PanopticFrame) -> PanopticLabels

  /// The loss of images, a scalar.
  ///
  /// - Parameters:
  ///   - images: N×3×H×W.
  ///   - truth: the images' classes and things.
  ///   - settings: targets and factors.
  func loss(_ images: Tensor, _ truth: PanopticTruth, _ settings: Recipe.Panoptic) -> Tensor
}

extension PanopticNetwork {
  /// The class scores alone, the first of ``outputs(_:)``.
  public func callAsFunction(_ x: Tensor) -> Tensor { outputs(x)[0] }
}

/// A `RelationalBase` with losses and post-processing: all that a panoptic network needs, alone and with PISR.
public protocol PanopticBase: RelationalBase, PanopticNetwork {
  /// The outputs of a prediction, in the order that ``PanopticNetwork/panoptic(_:in:)`` takes them.
  func outputs(of prediction: Prediction) -> [Tensor]

  /// The loss of a prediction, a scalar.
  func loss(of prediction: Prediction, _ truth: PanopticTruth, _ settings: Recipe.Panoptic) -> Tensor
}

extension PanopticBase {
  /// One semantic mask a class.
  public var relationClasses: Int { things.count }

  /// The outputs of the prediction by the network's own heads.
  public func outputs(_ x: Tensor) -> [Tensor] { outputs(of: prediction(from: features(of: x), by: heads)) }

  /// The loss of the prediction by the network's own heads.
  public func loss(_ images: Tensor, _ truth: PanopticTruth, _ settings: Recipe.Panoptic) -> Tensor {
    loss(of: prediction(from: features(of: images), by: heads), truth, settings)
  }
}
