import SegKernels

/// Sums the gradients of all processes while the backward pass still runs.
///
/// Gradients are collected in buckets in the order in which they become final, which is that of the layers from the last
/// to the first, and the same in every process; a full bucket is on its way while earlier layers are still at work. One
/// call for many small gradients costs one latency; a bucket of 4 MiB is large enough for that not to count, and small
/// enough that little is left to wait for at the end (Li et al., "PyTorch Distributed", 2020, section 3.2).
///
/// One exchange serves one backward pass.
public final class GradientExchange {
  /// A gradient's place in a bucket.
  private struct Entry {
    let parameter: Parameter
    let shape: Shape
    let offset: Int
  }

  private struct Bucket {
    let memory: UnsafeMutableBufferPointer<Float>
    let entries: [Entry]
    let sum: any PendingSum
  }

  private let group: any ProcessGroup
  private let capacity: Int
  /// What waits for its bucket to fill.
  private var waiting: [(parameter: Parameter, gradient: Tensor)] = []
  private var waitingCount = 0
  private var buckets: [Bucket] = []

  /// Buckets that were on their way before the backward pass ended.
  public private(set) var bucketsSentEarly = 0
  /// Bytes of all gradients.
  public private(set) var bytes = 0

  /// An exchange between the processes of a group.
  ///
  /// - Parameters:
  ///   - group: the processes that train together.
  ///   - bucketBytes: a bucket is sent when it holds as much.
  public init(_ group: any ProcessGroup, bucketBytes: Int = 4 << 20) {
    self.group = group
    capacity = max(bucketBytes / 4, 1)
  }

  deinit { for bucket in buckets { bucket.memory.deallocate() } }

  /// Takes a final gradient; for `valueAndGradient(of:whenFinal:_:)`.
  public func add(_ parameter: Parameter, _ gradient: Tensor) {
    waiting.append((parameter, gradient))
    waitingCount += gradient.count
    if waitingCount >= capacity {
      send()
      bucketsSentEarly += 1
    }
    // MPI moves transfers along only while someone asks.
    for bucket in buckets { _ = bucket.sum.isDone() }
  }

  /// The sums, when all are there.
  public func finish() -> Gradients {
    if waitingCount > 0 { send() }
    var gradients = Gradients([:])
    for bucket in buckets {
      bucket.sum.finish()
      for entry in bucket.entries {
        gradients[entry.parameter] = Tensor(uninitialized: entry.shape) {
          _ = $0.initialize(fromContentsOf: bucket.memory[entry.offset..<(entry.offset + $0.count)])
        }
      }
      bucket.memory.deallocate()
    }
    buckets = []
    return gradients
  }

  private func send() {
    let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: waitingCount)
    var entries: [Entry] = [], offset = 0
    for (parameter, gradient) in waiting {
      gradient.withUnsafeBufferPointer {
        _ = UnsafeMutableBufferPointer(rebasing: memory[offset..<(offset + $0.count)]).initialize(fromContentsOf: $0)
      }
      entries.append(Entry(parameter: parameter, shape: gradient.shape, offset: offset))
      offset += gradient.count
    }
    buckets.append(Bucket(memory: memory, entries: entries, sum: group.beginSum(memory)))
    bytes += 4 * waitingCount
    waiting = []
    waitingCount = 0
  }
}
