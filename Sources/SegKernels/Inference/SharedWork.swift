import CSegKernels
import Glibc
import Synchronization

/// The steps of a session, shared out among threads.
///
/// All steps between two plain operations are one parallel region: a thread takes tasks of a step until none is left,
/// waits for those that others took, and goes on. Waking threads for every layer would cost more than small layers take.
///
/// Every thread begins with the same part of the image in each step (``TaskShares``): what it wrote in one layer it reads
/// in the next, from its own cache. A thread that comes late, or never, is not missed: only who takes a task is waited
/// for.
final class SharedWork {
  let steps: UnsafeMutablePointer<SKMapStep>
  private let count: Int
  /// For each step who takes which tasks, and how many are done, each counter in a cache line of its own.
  private var tasks: TaskShares
  private let done: UnsafeMutablePointer<Atomic<Int>>
  private static let spacing = 8
  /// Scratch memory, one part a thread.
  private var scratch: Storage
  private let scratchCount: Int
  private var range = 0..<0

  init(_ steps: [SKMapStep], scratchCount: Int) {
    count = steps.count
    self.steps = .allocate(capacity: max(count, 1))
    self.steps.initialize(from: steps, count: count)
    tasks = TaskShares(lists: count, shares: Threads.count)
    done = .allocate(capacity: max(count * SharedWork.spacing, 1))
    for index in 0..<(count * SharedWork.spacing) { (done + index).initialize(to: Atomic(0)) }
    self.scratchCount = scratchCount
    scratch = Storage(count: scratchCount * Threads.count)
  }

  deinit {
    steps.deallocate()
    done.deinitialize(count: count * SharedWork.spacing)
    done.deallocate()
  }

  /// Does the steps of a range, one after the other.
  func run(_ range: Range<Int>) {
    let threads = Threads.count
    if scratch.count < scratchCount * threads { scratch = Storage(count: scratchCount * threads) }
    if tasks.shares != threads { tasks = TaskShares(lists: count, shares: threads) }
    self.range = range
    for step in range {
      tasks.reset(step)
      done[step * SharedWork.spacing].store(0, ordering: .relaxed)
    }
    ThreadPool.shared.run(count: threads, threads: threads, context: Unmanaged.passUnretained(self).toOpaque()) {
      Unmanaged<SharedWork>.fromOpaque($0).takeUnretainedValue().participate($1)
    }
  }

  /// One thread's part.
  private func participate(_ thread: Int) {
    let scratch = scratch.base + thread * scratchCount
    for index in range {
      let step = steps + index, total = Int(step.pointee.tasks), run = step.pointee.run!
      let mine = tasks.take(index, of: total, cut: tasks.shares, own: thread) { run(step, Int32($0), scratch) }
      let done = done + index * SharedWork.spacing
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
