import SegKernels

/// A segmentation network with heads on stages inside it.
public protocol StageSupervised: Module {
  /// What predicts: without the heads, unless it needs them itself.
  var segmenter: any UnaryModule { get }

  /// The names of the stages that have heads.
  var stageNames: [String] { get }

  /// The network's logits N×classes×h×w, and those of each head, N×clusters×hᵢ×wᵢ.
  func supervised(_ x: Tensor) -> (logits: Tensor, stages: [Tensor])
}

/// A network whose stages are asked for have no such name, or it shows none.
public struct StageError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was expected and what was found.
  public let description: String
}

extension StagedSegmenter {
  /// The places of stages among the network's own, by name; of the usual ones where no name is given.
  ///
  /// - Throws: ``StageError``.
  public func places(of names: [String]) throws -> [Int] {
    let known = stages
    guard !known.isEmpty else { throw StageError(description: "the network shows no stages that heads could use") }
    guard !names.isEmpty else { return known.indices.filter { known[$0].isUsual } }
    return try names.map { name in
      guard let place = known.firstIndex(where: { $0.name == name }) else {
        let all = known.map(\.name).joined(separator: ", ")
        throw StageError(description: "unknown stage '\(name)'; expected some of \(all)")
      }
      return place
    }
  }
}

/// One head for each of some stages: 1×1 to as many channels as the stage has (256 at most), norm, ReLU, 1×1 to the
/// clusters.
public final class StageHeads: Module {
  private let heads: [(name: String, head: Sequential)]

  /// Heads on given stages.
  ///
  /// - Parameters:
  ///   - stages: what the heads look at.
  ///   - clusters: how many clusters each tells apart.
  ///   - seed: draws the weights, by the names of stage and layer; nil leaves them zero, for loading.
  public init(_ stages: [NetworkStage], clusters: [Int], seed: UInt64?) {
    check(
      stages.count == clusters.count && clusters.allSatisfy { $0 > 0 }, "StageHeads",
      "expected clusters for \(stages.count) stages, found \(clusters)")
    heads = zip(stages, clusters).map { stage, count in
      let hidden = min(stage.channels, 256)
      return (
        stage.name,
        pixelHead(inputChannels: stage.channels, hidden: hidden, outputs: count, isNormNested: false)
      )
    }
    if let seed { initialize(.kaimingFanOut, seed: seed) }
  }

  public var parts: [Part] { heads.map { Part($0.name, $0.head) } }

  /// The logits of each head.
  public func callAsFunction(_ maps: [Tensor]) -> [Tensor] { zip(heads, maps).map { $0.head($1) } }
}

/// A network with heads on some of its stages, which training alone needs. What remains for inference is
/// ``network``, whose parameters keep their names; those of the heads begin with `stage_heads.`.
public final class StageSupervision: StageSupervised {
  /// The network without the heads.
  public let network: any StagedSegmenter
  private let places: [Int]
  private let heads: StageHeads

  /// A network with fresh heads on stages inside it.
  ///
  /// - Parameters:
  ///   - network: shows its stages.
  ///   - names: the names of the stages; the usual ones if there are none.
  ///   - clusters: of each stage, how many clusters its head tells apart.
  ///   - seed: draws the heads' weights.
  /// - Throws: ``StageError``.
  public init(
    _ network: any StagedSegmenter, stages names: [String] = [], clusters: (_ stages: Int) -> [Int], seed: UInt64
  ) throws {
    self.network = network
    places = try network.places(of: names)
    heads = StageHeads(places.map { network.stages[$0] }, clusters: clusters(places.count), seed: seed)
  }

  public var parts: [Part] { network.parts + [Part("stage_heads", heads)] }

  public func trainingChanged(to isTraining: Bool) { network.trainingChanged(to: isTraining) }

  public var segmenter: any UnaryModule { network }
  public var stageNames: [String] { places.map { network.stages[$0].name } }

  public func supervised(_ x: Tensor) -> (logits: Tensor, stages: [Tensor]) {
    let pass = network.staged(x)
    return (pass.logits(), heads(places.map { pass.maps[$0] }))
  }
}
