import CSegKernels
import Glibc
import Synchronization

/// The steps of a session, shared out among threads.
///
/// All steps between two plain operations are one parallel region: a thread takes tasks of a step until none is left,
/// waits for those that others took, and goes on. Waking threads for every layer would cost more than small layers take.
/// A thread that comes late, or never, is not missed: only who takes a task is waited for.
final class SharedWork {
  let steps: UnsafeMutablePointer<SKMapStep>
  private let count: Int
  /// Two counters a step, each in a cache line of its own: tasks taken and tasks done.
  private let counters: UnsafeMutablePointer<Atomic<Int>>
  private static let spacing = 8
  /// Scratch memory, one part a thread.
  private var scratch: Storage
  private let scratchCount: Int
  private var range = 0..<0

  init(_ steps: [SKMapStep], scratchCount: Int) {
    count = steps.count
    self.steps = .allocate(capacity: max(count, 1))
    self.steps.initialize(from: steps, count: count)
    counters = .allocate(capacity: max(2 * count * SharedWork.spacing, 1))
    for index in 0..<(2 * count * SharedWork.spacing) { (counters + index).initialize(to: Atomic(0)) }
    self.scratchCount = scratchCount
    scratch = Storage(count: scratchCount * Threads.count)
  }

  deinit {
    steps.deallocate()
    counters.deinitialize(count: 2 * count * SharedWork.spacing)
    counters.deallocate()
  }

  /// Does the steps of a range, one after the other.
  func run(_ range: Range<Int>) {
    let threads = Threads.count
    if scratch.count < scratchCount * threads { scratch = Storage(count: scratchCount * threads) }
    self.range = range
    for step in range {
      taken(step).pointee.store(0, ordering: .relaxed)
      done(step).pointee.store(0, ordering: .relaxed)
    }
    ThreadPool.shared.run(count: threads, threads: threads, context: Unmanaged.passUnretained(self).toOpaque()) {
      Unmanaged<SharedWork>.fromOpaque($0).takeUnretainedValue().participate($1)
    }
  }

  private func taken(_ step: Int) -> UnsafeMutablePointer<Atomic<Int>> { counters + 2 * step * SharedWork.spacing }
  private func done(_ step: Int) -> UnsafeMutablePointer<Atomic<Int>> { taken(step) + SharedWork.spacing }

  /// One thread's share.
  private func participate(_ thread: Int) {
    let scratch = scratch.base + thread * scratchCount
    for index in range {
      let step = steps + index, total = Int(step.pointee.tasks), run = step.pointee.run!
      let (taken, done) = (taken(index), done(index))
      var mine = 0
      while true {
        let task = taken.pointee.wrappingAdd(1, ordering: .relaxed).oldValue
        guard task < total else { break }
        run(step, Int32(task), scratch)
        mine += 1
      }
      if mine > 0 { done.pointee.wrappingAdd(mine, ordering: .releasing) }
      // Tasks are short: whoever holds the last one is about to finish it, unless the system took its processor away.
      var looks = 0
      while done.pointee.load(ordering: .acquiring) < total {
        looks += 1
        if looks > 2000 { sched_yield() }
      }
    }
  }
}
