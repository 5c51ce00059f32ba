import SegKernels

/// Processes that train one network together: each has a copy of it and a share of every batch.
///
/// All of them make the same calls in the same order; a call returns when the others have made it too. `MPIGroup` is the
/// one of programs that mpirun started.
public protocol ProcessGroup: BatchGroup {
  /// Begins to replace numbers by their sums over all processes, which every process gets with the same bits. The memory
  /// must stay as it is until the sum is taken.
  func beginSum(_ values: UnsafeMutableBufferPointer<Float>) -> any PendingSum

  /// Puts the memory of all processes, of equal size and whole 4-byte words, one after another in the order of ranks.
  func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer)

  /// Waits for all processes.
  func wait()

  /// Ends all processes at once; whoever started them gets `status`.
  func abort(status: Int32) -> Never
}

/// A sum over all processes that is under way.
public protocol PendingSum: AnyObject {
  /// Whether the sums are there. Moves the transfer along: it may stand still while no process asks.
  func isDone() -> Bool

  /// Returns when the sums are there.
  func finish()
}

extension ProcessGroup {
  /// Whether this process writes files and speaks to the user.
  public var isFirst: Bool { rank == 0 }

  /// Runs `body` in the first process, and in all others once it has returned there: what it makes (folders, cached
  /// data) is made once, and what is wrong is said once.
  public func firstInOne<R>(_ body: () throws -> R) rethrows -> R {
    if !isFirst { wait() }
    let result = try body()
    if isFirst { wait() }
    return result
  }

  /// The number that each process gives, in the order of ranks.
  public func gather(_ value: UInt64) -> [UInt64] {
    var all = [UInt64](repeating: 0, count: size)
    withUnsafeBytes(of: value) { own in all.withUnsafeMutableBytes { gather(own, into: $0) } }
    return all
  }
}
