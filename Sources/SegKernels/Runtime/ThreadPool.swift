import CSegKernels
import Glibc
import Synchronization

/// The package's own threads: they sleep until a parallel region wakes them.
///
/// Regions often follow one another within microseconds, and waking a thread takes tens of them. So whoever waits looks
/// for some 20 µs before it sleeps; an idle pool uses no time.
///
/// Of a region's blocks every thread begins with a share of its own (``TaskShares``).
///
/// One region runs at a time. A second caller, or a region inside a region, runs its blocks on its own thread: no
/// oversubscription, no deadlock. What a block computes depends on its number alone, so results do not depend on who
/// runs it.
package final class ThreadPool: @unchecked Sendable {
  package static let shared = ThreadPool()

  /// A block of a region: what `context` points to, and the block's number.
  package typealias Block = @convention(c) (UnsafeMutableRawPointer, Int) -> Void

  private struct Region {
    let block: Block
    let context: UnsafeMutableRawPointer
    let count: Int
    /// How many parts the blocks are cut into: one a thread.
    let shares: Int
    /// How many workers may still join.
    var seats: Int
  }

  /// True while a region runs.
  private let isBusy = Atomic<Bool>(false)
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// At least as many shares as a region has threads.
  private var blocks = TaskShares(shares: 0)
  // Written under `lock`; read without it by those who look before they sleep.
  private let generation = Atomic<Int>(0)
  private let working = Atomic<Int>(0)
  // Guarded by `lock`.
  private var region: Region?
  private var workers = 0

  private init() {
    pthread_mutex_init(lock, nil)
    pthread_cond_init(wake, nil)
    pthread_cond_init(done, nil)
  }

  /// Calls `body` with every number below `count`, on up to `threads` threads, and returns when all calls have ended.
  package func run(count: Int, threads: Int, _ body: (Int) -> Void) {
    guard min(threads, count) > 1 else { return (0..<count).forEach(body) }
    withoutActuallyEscaping(body) { body in
      var body = body
      withUnsafeMutablePointer(to: &body) {
        run(count: count, threads: threads, context: $0) { context, index in
          context.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index)
        }
      }
    }
  }

  /// The same for a function and what it works on: allocates nothing, as the form with a closure does.
  package func run(count: Int, threads: Int, context: UnsafeMutableRawPointer, _ block: Block) {
    let helpers = min(threads, count) - 1
    guard helpers >= 1, !isBusy.exchange(true, ordering: .acquiring) else {
      for index in 0..<count { block(context, index) }
      return
    }
    runRegion(Region(block: block, context: context, count: count, shares: helpers + 1, seats: helpers))
    isBusy.store(false, ordering: .releasing)
  }

  private func runRegion(_ region: Region) {
    pthread_mutex_lock(lock)
    while workers < region.seats { startWorker() }
    // Nobody works: all threads of the last region have left it.
    if blocks.shares < region.shares { blocks = TaskShares(shares: region.shares) }
    blocks.reset()
    self.region = region
    generation.wrappingAdd(1, ordering: .releasing)
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(lock)

    work(region, share: 0)

    pthread_mutex_lock(lock)
    self.region = nil
    pthread_mutex_unlock(lock)
    if look(until: working.load(ordering: .acquiring) == 0) { return }
    pthread_mutex_lock(lock)
    while working.load(ordering: .acquiring) > 0 { pthread_cond_wait(done, lock) }
    pthread_mutex_unlock(lock)
  }

  /// Looks for a short while whether something has come true.
  private func look(until condition: @autoclosure () -> Bool) -> Bool {
    for _ in 0..<1000 {
      if condition() { return true }
      sk_pause()
    }
    return false
  }

  private func work(_ region: Region, share: Int) {
    _ = blocks.take(of: region.count, cut: region.shares, own: share) { region.block(region.context, $0) }
  }

  private func startWorker() {
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let status = pthread_create(&thread, &attributes, { _ in ThreadPool.shared.serve() }, nil)
    check(status == 0, "ThreadPool", "the system refuses another thread (error \(status))")
    workers += 1
  }

  private func serve() -> Never {
    pthread_mutex_lock(lock)
    while true {
      while (region?.seats ?? 0) == 0 {
        let last = generation.load(ordering: .relaxed)
        pthread_mutex_unlock(lock)
        _ = look(until: generation.load(ordering: .acquiring) != last)
        pthread_mutex_lock(lock)
        if generation.load(ordering: .relaxed) == last { pthread_cond_wait(wake, lock) }
      }
      let share = region!.seats
      region!.seats -= 1
      working.wrappingAdd(1, ordering: .relaxed)
      let joined = region!
      pthread_mutex_unlock(lock)
      work(joined, share: share)
      pthread_mutex_lock(lock)
      if working.wrappingSubtract(1, ordering: .releasing).newValue == 0 { pthread_cond_signal(done) }
    }
  }
}

/// Calls `body` with every number below `count`, in parallel, and returns when all calls have ended.
///
/// The work of a number must not depend on the number of threads: that keeps results equal to the bit.
package func parallelFor(_ count: Int, _ body: (Int) -> Void) {
  ThreadPool.shared.run(count: count, threads: Threads.count, body)
}

/// Splits `count` elements into runs of `grain` and calls `body` with each run, in parallel.
package func parallelRuns(_ count: Int, grain: Int = 1 << 15, _ body: (Range<Int>) -> Void) {
  parallelFor((count + grain - 1) / grain) { body(($0 * grain)..<min(($0 + 1) * grain, count)) }
}
