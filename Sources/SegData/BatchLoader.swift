import Foundation
import SegImages
import SegKernels

/// Images and labels ready for a training step.
public struct Batch: Sendable {
  /// N×3×h×w, normalised.
  public let images: Tensor
  /// N×h×w.
  public let labels: Labels
  /// N×h×w, as ``SegmentationSample/instances`` of each sample; nil where the data do not tell things apart.
  public let instances: Labels?
  /// N×1×h×w metres, 0 where it is not known; nil where the data have none. In an image enlarged by s everything is as
  /// far as if it were s times nearer.
  public let depth: Tensor?
  /// What the samples are called, for messages; of a batch that several processes hold, all of them.
  public let names: [String]

  /// A batch of given parts.
  public init(images: Tensor, labels: Labels, instances: Labels? = nil, depth: Tensor? = nil, names: [String]) {
    self.images = images
    self.labels = labels
    self.instances = instances
    self.depth = depth
    self.names = names
  }
}

/// Augmented batches of a data set, epoch after epoch, made ahead by a thread of its own.
///
/// What a batch holds depends on the seed and the number of the step alone; so a run resumes anywhere. Each epoch
/// visits the samples in a new order; a rest too small for a batch is left for another epoch.
public final class BatchLoader: @unchecked Sendable {
  /// Where samples come from.
  public let dataset: any SegmentationDataset
  /// Samples a batch.
  public let batchSize: Int
  /// What is done to each sample.
  public let augmentation: Augmentation
  /// How colours become floats.
  public let normalization: ImageNormalization
  /// What orders and augmentations follow from.
  public let seed: UInt64
  /// The processes that hold each batch together; nil where this one holds all of it.
  public let group: (any BatchGroup)?
  private let cache: SampleCache

  /// Batches of a data set.
  ///
  /// - Parameters:
  ///   - dataset: where samples come from.
  ///   - batchSize: of the whole batch, also where several processes hold it.
  ///   - augmentation: what is drawn for each sample.
  ///   - normalization: how images become inputs.
  ///   - seed: of the order and of the augmentation.
  ///   - group: makes this process's share of each batch alone. Traps unless it divides the batch size.
  ///   - cacheLimit: bytes of decoded samples to keep in memory; an eighth of the machine's by default.
  public init(
    _ dataset: any SegmentationDataset, batchSize: Int, augmentation: Augmentation,
    normalization: ImageNormalization = .imageNet, seed: UInt64, group: (any BatchGroup)? = nil, cacheLimit: Int? = nil
  ) {
    check(
      batchSize % (group?.size ?? 1) == 0, "BatchLoader",
      "a batch of \(batchSize) cannot be shared out among \(group?.size ?? 1) processes")
    check(batchSize > 0, "BatchLoader", "the batch size must be positive, found \(batchSize)")
    check(
      dataset.count >= batchSize, "BatchLoader", "\(dataset.count) samples do not make a batch of \(batchSize)")
    self.dataset = dataset
    self.batchSize = batchSize
    self.augmentation = augmentation
    self.normalization = normalization
    self.seed = seed
    self.group = group
    cache = SampleCache(dataset, limit: cacheLimit ?? Int(ProcessInfo.processInfo.physicalMemory / 8))
  }

  /// Full batches an epoch.
  public var batchesPerEpoch: Int { dataset.count / batchSize }

  /// The batch of a step, counted from 0 over all epochs.
  public func batch(at step: Int) throws -> Batch {
    let (epoch, position) = step.quotientAndRemainder(dividingBy: batchesPerEpoch)
    let order = order(of: epoch)
    let crop = augmentation.crop
    let area = crop.height * crop.width
    // What lies outside an image counts for nothing; -1 where the data ignore no label of their own.
    let ignored = dataset.classes.ignoreIndex ?? -1
    let all = order[(position * batchSize)..<((position + 1) * batchSize)]
    let count = batchSize / (group?.size ?? 1), indices = Array(all.dropFirst((group?.rank ?? 0) * count).prefix(count))
    let samples = try indices.map(cache.sample)
    let shape: Shape = [count, crop.height, crop.width]
    var labels = Labels(shape, filledWith: ignored)
    var instances = samples.allSatisfy { $0.instances != nil } ? Labels(shape, filledWith: 0) : nil
    var depth = samples.allSatisfy { $0.depth != nil } ? [Float](repeating: 0, count: count * area) : nil
    let images = Tensor(uninitialized: [count, 3, crop.height, crop.width]) { images in
      labels.withUnsafeMutableBufferPointer { labels in
        for (slot, sample) in samples.enumerated() {
          var random = RandomSource(seed: seed).stream(epoch).stream(indices[slot])
          let origins = augmentation.apply(
            to: sample, normalization: normalization, ignoreIndex: ignored,
            image: images.baseAddress! + slot * 3 * area, labels: labels.baseAddress! + slot * area, using: &random)
          instances?.withUnsafeMutableBufferPointer { target in
            sample.instances!.withUnsafeBufferPointer { source in
              for (pixel, place) in origins.places.enumerated() where place >= 0 {
                target[slot * area + pixel] = source[Int(place)]
              }
            }
          }
          if depth != nil {
            sample.depth!.withUnsafeBufferPointer { source in
              for (pixel, place) in origins.places.enumerated() where place >= 0 {
                depth![slot * area + pixel] = source[Int(place)] / origins.scale
              }
            }
          }
        }
      }
    }
    return Batch(
      images: images, labels: labels, instances: instances,
      depth: depth.map { Tensor([count, 1, crop.height, crop.width], $0) }, names: all.map(dataset.name(at:)))
  }

  /// Batches from a step on, each made while the one before is in use.
  public func batches(from step: Int) -> some Sequence<Result<Batch, any Error>> {
    Prefetched(from: step) { step in Result { try self.batch(at: step) } }
  }

  private func order(of epoch: Int) -> [Int] {
    var random = RandomSource(seed: seed).stream(-1 - epoch)
    return Array(0..<dataset.count).shuffled(using: &random)
  }
}

/// Decoded samples kept in memory up to a limit.
private final class SampleCache: @unchecked Sendable {
  // Guarded by `lock`.
  private var samples: [Int: SegmentationSample] = [:]
  private var bytes = 0
  private let lock = NSLock()
  private let dataset: any SegmentationDataset
  private let limit: Int

  init(_ dataset: any SegmentationDataset, limit: Int) {
    self.dataset = dataset
    self.limit = limit
  }

  func sample(_ index: Int) throws -> SegmentationSample {
    if let known = lock.withLock({ samples[index] }) { return known }
    let sample = try dataset.sample(at: index)
    let size =
      sample.image.pixels.count
      + 4 * (sample.labels.count + (sample.instances?.count ?? 0) + (sample.depth?.count ?? 0))
    lock.withLock {
      guard bytes + size <= limit, samples[index] == nil else { return }
      samples[index] = sample
      bytes += size
    }
    return sample
  }
}
