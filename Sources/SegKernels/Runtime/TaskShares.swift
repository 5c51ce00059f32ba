import Synchronization

/// Who takes which tasks: every thread begins with a share of its own, a run of neighbours, and then takes from the
/// others'. Work that comes again finds its data in the cache of the core that wrote them.
///
/// A row of counters serves one list of tasks; several rows, lists that follow one another.
final class TaskShares {
  /// Into how many shares each list is cut at most.
  let shares: Int
  private let base: UnsafeMutablePointer<Atomic<Int>>
  private let count: Int
  /// Each counter has a cache line of its own.
  private static let spacing = 8

  init(lists: Int = 1, shares: Int) {
    self.shares = shares
    count = lists * shares * TaskShares.spacing
    base = .allocate(capacity: max(count, 1))
    for index in 0..<count { (base + index).initialize(to: Atomic(0)) }
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }

  private func taken(_ list: Int, _ share: Int) -> UnsafeMutablePointer<Atomic<Int>> {
    base + (list * shares + share) * TaskShares.spacing
  }

  /// No task of a list is taken. Nobody must be taking any.
  func reset(_ list: Int = 0) {
    for share in 0..<shares { taken(list, share).pointee.store(0, ordering: .relaxed) }
  }

  /// Does tasks of a list until none is left: those of share `own` first. Returns how many it did.
  ///
  /// - Parameters:
  ///   - total: the tasks of the list.
  ///   - cut: into how many shares it is cut; the same for all who take from it.
  @inline(__always)
  func take(_ list: Int = 0, of total: Int, cut: Int, own: Int, _ body: (Int) -> Void) -> Int {
    var mine = 0
    for turn in 0..<cut {
      let share = (own + turn) % cut, start = total * share / cut, end = total * (share + 1) / cut
      let taken = taken(list, share)
      while true {
        let task = start + taken.pointee.wrappingAdd(1, ordering: .relaxed).oldValue
        guard task < end else { break }
        body(task)
        mine += 1
      }
    }
    return mine
  }
}
