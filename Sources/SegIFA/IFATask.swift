import SegData
import SegDistributed
import SegKernels
import SegTraining

/// Trains an ``IFANetwork``: L = loss(main) + 0.4 · loss(auxiliary), both of one `SegmentationLoss` (as released:
/// hard examples of threshold 0.7, at least 100,000 pixels).
///
/// Where queries lie is the recipe's `queries`. As released they are the finest level's grid (logits enlarged to the
/// labels); then the level-1 offset is always 0, its columns never learn, and other grids find the network unprepared.
/// With jittered or random queries, which lie anywhere in a pixel, the labels are read at the queried pixels, and
/// nothing is enlarged.
public final class IFATask: TrainingTask {
  public var network: any Module { ifa }
  public var group: (any ProcessGroup)? { loss.group }
  private let ifa: IFANetwork
  private let ignoreIndex: Int
  private let loss: SegmentationLoss
  private let queries: Recipe.Queries
  private let seed: UInt64

  /// The task of a network that is asked at queries.
  ///
  /// - Parameters:
  ///   - network: what is trained.
  ///   - ignoreIndex: the label of pixels that do not count.
  ///   - loss: of the logits at the queries.
  ///   - queries: where the network is asked, and the factor of the auxiliary head's loss.
  ///   - seed: of the random queries; the same step asks at the same places in every run.
  public init(
    _ network: IFANetwork, ignoreIndex: Int?, loss: SegmentationLoss, queries: Recipe.Queries = .init(),
    seed: UInt64 = 1
  ) {
    ifa = network
    self.ignoreIndex = ignoreIndex ?? -1
    self.loss = loss
    self.queries = queries
    self.seed = seed
  }

  public func loss(_ batch: Batch, progress: Float) -> Tensor {
    let size = Pair(height: batch.labels.shape[1], width: batch.labels.shape[2])
    func judged(_ logits: Tensor, _ labels: Labels) -> Tensor {
      loss(logits, labels, ignoreIndex: ignoreIndex, progress: progress)
    }
    let asked = pixels(of: batch, size, progress)
    let (logits, coarse) = ifa.training(batch.images, at: asked?.positions)
    let main = asked.map { judged(logits, $0.labels) } ?? judged(resize(logits, to: size), batch.labels)
    guard queries.auxiliary > 0 else { return main }
    return main + judged(resize(coarse, to: size), batch.labels) * queries.auxiliary
  }

  /// The pixels that are asked, as positions, and their labels N×1×Q; nil for the released grid.
  private func pixels(
    of batch: Batch, _ size: Pair, _ progress: Float
  ) -> (positions: QueryPositions, labels: Labels)? {
    // Drawn for the whole batch, also where other processes hold a part of it: this one then takes its own.
    let own = batch.labels.shape[0], first = (group?.rank ?? 0) * own, images = own * (group?.size ?? 1)
    var random = RandomSource(seed: seed, name: "queries \(progress.bitPattern)")
    var pixels: [(row: Int, column: Int)] = []
    switch queries.kind {
    case .grid: return nil
    case .points:
      for _ in 0..<(images * queries.count) {
        let row = Int.random(in: 0..<size.height, using: &random),
          column = Int.random(in: 0..<size.width, using: &random)
        pixels.append((row, column))
      }
    case .jittered:
      // A pixel of every 4×4 cell.
      let rows = size.height / 4, columns = size.width / 4
      for cell in 0..<(images * rows * columns) {
        let down = Int.random(in: 0..<4, using: &random), right = Int.random(in: 0..<4, using: &random)
        pixels.append((row: cell / columns % rows * 4 + down, column: cell % columns * 4 + right))
      }
    }
    let count = pixels.count / images, area = size.height * size.width
    var positions: [Float] = [], labels: [Int32] = []
    batch.labels.withUnsafeBufferPointer { all in
      for (index, pixel) in pixels.enumerated() {
        // Anywhere in the pixel: at its centre alone, a level-1 offset would have four values an axis, and a finer grid
        // others.
        let (down, right) = (Float.random(in: 0..<1, using: &random), Float.random(in: 0..<1, using: &random))
        let image = index / count - first
        guard (0..<own).contains(image) else { continue }
        positions.append(2 * (Float(pixel.row) + down) / Float(size.height) - 1)
        positions.append(2 * (Float(pixel.column) + right) / Float(size.width) - 1)
        labels.append(all[image * area + pixel.row * size.width + pixel.column])
      }
    }
    return (.points(Tensor([own, count, 2], positions)), Labels([own, 1, count], labels))
  }
}
