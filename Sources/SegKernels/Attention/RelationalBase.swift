/// A panoptic network whose features PISR can enrich, whatever finds its things: centres and offsets, or queries.
///
/// The network is split where its last heads read a map of features: features → heads → prediction. PISR takes a first
/// prediction, by heads of its own, for the masks of classes and things; the enriched map then takes the place of the
/// old one, and the network's heads predict again.
public protocol RelationalBase: Module {
  /// All that the heads read.
  associatedtype Features
  /// What the heads make of it.
  associatedtype Prediction
  /// The layers behind the features.
  associatedtype Heads: Module

  /// C of the map that is enriched.
  var relationChannels: Int { get }
  /// Semantic masks.
  var relationClasses: Int { get }
  /// The network's own heads.
  var heads: Heads { get }

  /// Heads of the same kind, with zero weights: for the first prediction.
  func makeHeads() -> Heads
  /// The features of images N×C×H×W.
  func features(of x: Tensor) -> Features
  /// The map that is enriched, N×C×h×w.
  func relationMap(of features: Features) -> Tensor
  /// The features with another map in its place.
  func replacingRelationMap(of features: Features, with map: Tensor) -> Features
  /// What heads make of features.
  func prediction(from features: Features, by heads: Heads) -> Prediction
  /// The soft masks of classes and of the most confident things in a prediction, of the map's size.
  ///
  /// - Parameters:
  ///   - prediction: the first one.
  ///   - slots: K; 0 for masks of classes alone.
  ///   - limit: how many slots may be filled.
  func relationMasks(of prediction: Prediction, slots: Int, limit: Int) -> RelationMasks
}
