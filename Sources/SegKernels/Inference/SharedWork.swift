import CSegKernels
import Glibc
import Synchronization

/// The steps of a session, shared out among threads.
///
/// All steps between two plain operations are one parallel region: a thread takes tasks of a step until none is left,
/// waits for those that others took, and goes on. Waking threads for every layer would cost more than small layers take.
///
/// Every thread begins with a share of its own, the same part of the image in each step: what it wrote in one layer it
/// reads in the next, from its own cache. Where two cores share none, taking tasks as they come is slower by a third.
/// Who has done its share takes from the others'. A thread that comes late, or never, is not missed: only who takes a
/// task is waited for.
final class SharedWork {
  let steps: UnsafeMutablePointer<SKMapStep>
  private let count: Int
  /// For each step the tasks taken of every share, and the tasks done.
  private var counters: Counters
  /// Scratch memory, one part a thread.
  private var scratch: Storage
  private let scratchCount: Int
  private var range = 0..<0

  init(_ steps: [SKMapStep], scratchCount: Int) {
    count = steps.count
    self.steps = .allocate(capacity: max(count, 1))
    self.steps.initialize(from: steps, count: count)
    counters = Counters(steps: count, shares: Threads.count)
    self.scratchCount = scratchCount
    scratch = Storage(count: scratchCount * Threads.count)
  }

  deinit { steps.deallocate() }

  /// Does the steps of a range, one after the other.
  func run(_ range: Range<Int>) {
    let threads = Threads.count
    if scratch.count < scratchCount * threads { scratch = Storage(count: scratchCount * threads) }
    if counters.shares != threads { counters = Counters(steps: count, shares: threads) }
    self.range = range
    range.forEach(counters.reset)
    ThreadPool.shared.run(count: threads, threads: threads, context: Unmanaged.passUnretained(self).toOpaque()) {
      Unmanaged<SharedWork>.fromOpaque($0).takeUnretainedValue().participate($1)
    }
  }

  /// One thread's part.
  private func participate(_ thread: Int) {
    let scratch = scratch.base + thread * scratchCount, shares = counters.shares
    for index in range {
      let step = steps + index, total = Int(step.pointee.tasks), run = step.pointee.run!
      var mine = 0
      for turn in 0..<shares {
        let share = (thread + turn) % shares, end = total * (share + 1) / shares
        let taken = counters.taken(index, share)
        while true {
          let task = total * share / shares + taken.pointee.wrappingAdd(1, ordering: .relaxed).oldValue
          guard task < end else { break }
          run(step, Int32(task), scratch)
          mine += 1
        }
      }
      let done = counters.done(index)
      if mine > 0 { done.pointee.wrappingAdd(mine, ordering: .releasing) }
      // Tasks are short: whoever holds the last one is about to finish it, unless the system took its processor away.
      var looks = 0
      while done.pointee.load(ordering: .acquiring) < total {
        looks += 1
        if looks > 2000 { sched_yield() }
      }
    }
  }

  /// Counters, each in a cache line of its own.
  private final class Counters {
    let shares: Int
    private let base: UnsafeMutablePointer<Atomic<Int>>
    private let count: Int
    private static let spacing = 8

    init(steps: Int, shares: Int) {
      self.shares = shares
      count = steps * (shares + 1) * Counters.spacing
      base = .allocate(capacity: max(count, 1))
      for index in 0..<count { (base + index).initialize(to: Atomic(0)) }
    }

    deinit {
      base.deinitialize(count: count)
      base.deallocate()
    }

    func taken(_ step: Int, _ share: Int) -> UnsafeMutablePointer<Atomic<Int>> {
      base + (step * (shares + 1) + share) * Counters.spacing
    }

    func done(_ step: Int) -> UnsafeMutablePointer<Atomic<Int>> { taken(step, shares) }

    func reset(_ step: Int) { for share in 0...shares { taken(step, share).pointee.store(0, ordering: .relaxed) } }
  }
}
