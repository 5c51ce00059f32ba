/// A place inside a network whose map a head may look at.
public struct NetworkStage: Sendable, Hashable {
  /// What recipes and files call it.
  public let name: String
  /// The channels of its map.
  public let channels: Int
  /// Whether it is among those that deep supervision looks at unless told otherwise.
  public let isUsual: Bool

  /// A stage of a name.
  public init(_ name: String, channels: Int, isUsual: Bool) {
    self.name = name
    self.channels = channels
    self.isUsual = isUsual
  }
}

/// One pass of a ``StagedSegmenter``.
public struct StagedPass {
  /// The map of each stage, N×channels×h×w.
  public let maps: [Tensor]
  /// What the logits are a function of, N×C×h×w; nil where that is no single map.
  public let features: Tensor?
  /// The network's own logits, computed when asked for.
  public let logits: () -> Tensor

  /// A pass of given results.
  public init(maps: [Tensor], features: Tensor?, logits: @escaping () -> Tensor) {
    self.maps = maps
    self.features = features
    self.logits = logits
  }
}

/// A segmentation network that shows what it has made of the image on the way to its logits: what deep supervision
/// attaches heads to.
public protocol StagedSegmenter: UnaryModule {
  /// The stages, in the order in which they are computed.
  var stages: [NetworkStage] { get }

  /// The maps of all ``stages``, and the rest of the network.
  func staged(_ x: Tensor) -> StagedPass
}
