import SegData
import SegImages
import SegKernels
import SegMetrics
import SegTraining

/// Two frames of one clip and which places of them belong together: what the regulariser holds a network to.
public struct FramePair: Sendable {
  /// Both frames.
  public let a: Image, b: Image
  /// From A to B, and back, at 1/8 of the frames' size.
  public let forward: Correspondence, backward: Correspondence
}

/// Pairs of frames of made-up clips, rendered once.
public struct FramePairs: Sendable {
  /// The pairs.
  public let pairs: [FramePair]

  /// Pairs of frames 1 to `recipe.gap` apart, each of a clip of its own, at the streets' size.
  ///
  /// - Parameters:
  ///   - streets: what clips are drawn from.
  ///   - recipe: how many pairs, and how far apart.
  ///   - features: find the matches where the recipe asks for them.
  ///   - seed: of the draws.
  public init(of streets: StreetScenes, _ recipe: Recipe.Pairs, features: FeatureNetwork, seed: UInt64) {
    var random = RandomSource(seed: seed, name: "frame pairs")
    let draws = (0..<recipe.count).map { index -> (clip: Int, first: Int, gap: Int) in
      (index, Int.random(in: 0..<8, using: &random), Int.random(in: 1...recipe.gap, using: &random))
    }
    let rendered = concurrentMap(draws) { draw in
      let clip = streets.clip(at: draw.clip, frames: 8 + recipe.gap), last = draw.first + draw.gap
      let flows =
        recipe.match == .exactFlow
        ? [clip.flow(from: draw.first, to: last), clip.flow(from: last, to: draw.first)] : []
      return (clip.image(at: draw.first), clip.image(at: last), flows)
    }
    let extractor = FeatureExtractor(features)
    pairs = rendered.map { a, b, flows in
      switch recipe.match {
      case .features:
        let (x, y) = (extractor(a), extractor(b))
        return FramePair(a: a, b: b, forward: Correspondence(from: x, to: y), backward: Correspondence(from: y, to: x))
      case .samePosition:
        let grid = FramePairs.grid(a), count = grid.height * grid.width
        let same = Correspondence(
          matches: (0..<Int32(count)).map { $0 }, weights: [Float](repeating: 1, count: count))
        return FramePair(a: a, b: b, forward: same, backward: same)
      case .exactFlow:
        return FramePair(
          a: a, b: b, forward: Correspondence(along: flows[0], grid: FramePairs.grid(a)),
          backward: Correspondence(along: flows[1], grid: FramePairs.grid(a)))
      }
    }
  }

  /// Rows and columns of features of a frame.
  static func grid(_ image: Image) -> Pair {
    let stride = FeatureNetwork.stride
    return Pair(height: (image.height + stride - 1) / stride, width: (image.width + stride - 1) / stride)
  }
}

extension Correspondence {
  /// Matches along exact flow; places that cannot be seen in the other frame count for nothing.
  init(along flow: StreetFlow, grid: Pair) {
    let stride = FeatureNetwork.stride, (height, width) = (flow.field.height, flow.field.width)
    let vectors = flow.field.vectors.scalars, hidden = flow.occluded.values
    var matches: [Int32] = [], weights: [Float] = []
    for row in 0..<grid.height {
      for column in 0..<grid.width {
        let y = min(row * stride + stride / 2, height - 1), x = min(column * stride + stride / 2, width - 1)
        let place = y * width + x, toX = Float(x) + vectors[place], toY = Float(y) + vectors[height * width + place]
        guard hidden[place] == 0, toX >= 0, toY >= 0, toX < Float(width), toY < Float(height) else {
          matches.append(0)
          weights.append(0)
          continue
        }
        matches.append(Int32(Int(toY) / stride * grid.width + Int(toX) / stride))
        weights.append(1)
      }
    }
    self.init(matches: matches, weights: weights)
  }
}

/// Segmentation with the perceptual-consistency regulariser: to the loss of labelled images
///
///     weight · ½ (L(A, B) + L(B, A))
///
/// of one pair of unlabelled frames a step is added, L as ``perceptualConsistencyLoss(_:_:_:)``. Frames go through the
/// network in the batch of the labelled images, so that norms see them together.
public final class ConsistencyTask: TrainingTask {
  public var network: any Module { segmenter }
  private let segmenter: any UnaryModule
  private let ignoreIndex: Int
  private let loss: SegmentationLoss
  private let pairs: FramePairs
  private let weight: Float
  private let seed: UInt64

  /// A segmentation task with the regulariser beside it.
  ///
  /// - Parameters:
  ///   - network: what is trained.
  ///   - ignoreIndex: the label of pixels that do not count.
  ///   - loss: of the labelled batch.
  ///   - pairs: of the size of the batches' images; others trap when they are used.
  ///   - weight: the regulariser's factor.
  ///   - seed: of the order of the pairs.
  public init(
    _ network: any UnaryModule, ignoreIndex: Int?, loss: SegmentationLoss, pairs: FramePairs, weight: Float,
    seed: UInt64
  ) {
    check(!pairs.pairs.isEmpty, "ConsistencyTask", "expected pairs of frames, found none")
    segmenter = network
    self.ignoreIndex = ignoreIndex ?? -1
    self.loss = loss
    self.pairs = pairs
    self.weight = weight
    self.seed = seed
  }

  public func loss(_ batch: Batch, progress: Float) -> Tensor {
    var random = RandomSource(seed: seed, name: "pair \(progress.bitPattern)")
    let pair = pairs.pairs[Int.random(in: pairs.pairs.indices, using: &random)]
    let frames = Tensor([pair.a, pair.b])
    check(
      frames.shape.dropFirst().elementsEqual(batch.images.shape.dropFirst()), "ConsistencyTask",
      "expected frames of the size of the images, found \(frames.shape) and \(batch.images.shape)")
    let count = batch.images.shape[0]
    let logits = segmenter(concatenate([batch.images, frames], axis: 0))
    let size = Pair(height: batch.labels.shape[1], width: batch.labels.shape[2])
    let own = loss(
      resize(logits.slice(axis: 0, 0..<count), to: size), batch.labels, ignoreIndex: ignoreIndex, progress: progress)
    let coarse = resize(logits.slice(axis: 0, count..<(count + 2)), to: FramePairs.grid(pair.a))
    let (a, b) = (coarse.slice(axis: 0, 0..<1), coarse.slice(axis: 0, 1..<2))
    return own
      + (perceptualConsistencyLoss(a, b, pair.forward) + perceptualConsistencyLoss(b, a, pair.backward))
      * (weight / 2)
  }
}
