import Foundation
import SegDistributed
import SegKernels

/// A group whose processes are threads of this one: what is trained together can be tested without MPI.
public final class ThreadGroup: ProcessGroup {
  public let rank: Int, size: Int
  private let meeting: Meeting

  private init(rank: Int, size: Int, _ meeting: Meeting) {
    (self.rank, self.size, self.meeting) = (rank, size, meeting)
  }

  /// Runs `body` on as many threads, each with its member of the group, and returns what they return, in the order of
  /// ranks. What one of them throws is thrown; the others must not wait for it.
  public static func run<R>(_ count: Int, _ body: @escaping (ThreadGroup) throws -> R) throws -> [R] {
    let meeting = Meeting(count), results = Results<R>(count), done = DispatchGroup(), job = Job(body)
    for rank in 0..<count {
      done.enter()
      Thread.detachNewThread {
        results.set(rank, Result { try job.body(ThreadGroup(rank: rank, size: count, meeting)) })
        done.leave()
      }
    }
    done.wait()
    return try results.values.map { try $0!.get() }
  }

  public func sum(_ values: UnsafeMutableBufferPointer<Double>) { add(values) }

  public func beginSum(_ values: UnsafeMutableBufferPointer<Float>) -> any PendingSum {
    add(values)
    return Done()
  }

  public func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
    precondition(all.count == own.count * size)
    meeting.exchange(rank, own.baseAddress!) { places in
      for (place, source) in places.enumerated() {
        (all.baseAddress! + place * own.count).copyMemory(from: source, byteCount: own.count)
      }
    }
  }

  public func wait() { meeting.wait() }
  public func abort(status: Int32) -> Never { fatalError("process \(rank) ended all with \(status)") }

  private func add<Number: FloatingPoint>(_ values: UnsafeMutableBufferPointer<Number>) {
    let sums = meeting.exchange(rank, values.baseAddress!) { places in
      values.indices.map { index in
        places.reduce(Number(0)) { $0 + $1.assumingMemoryBound(to: Number.self)[index] }
      }
    }
    _ = values.update(fromContentsOf: sums)
  }

  private final class Done: PendingSum {
    func isDone() -> Bool { true }
    func finish() {}
  }

  private struct Job<R>: @unchecked Sendable {
    let body: (ThreadGroup) throws -> R
    init(_ body: @escaping (ThreadGroup) throws -> R) { self.body = body }
  }

  private final class Results<R>: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var values: [Result<R, any Error>?]
    init(_ count: Int) { values = (0..<count).map { _ in nil } }
    func set(_ rank: Int, _ value: Result<R, any Error>) { lock.withLock { values[rank] = value } }
  }

  /// Where the threads wait for each other.
  private final class Meeting: @unchecked Sendable {
    private let condition = NSCondition(), count: Int
    // Guarded by `condition`.
    private var arrived = 0, round = 0
    private var places: [UnsafeRawPointer?]

    init(_ count: Int) {
      self.count = count
      places = [UnsafeRawPointer?](repeating: nil, count: count)
    }

    func wait() {
      condition.withLock {
        let own = round
        arrived += 1
        if arrived == count {
          (arrived, round) = (0, round + 1)
          condition.broadcast()
        }
        while round == own { condition.wait() }
      }
    }

    /// Shows `body` what all of them bring; nobody leaves before all have looked.
    func exchange<R>(_ rank: Int, _ own: UnsafeRawPointer, _ body: ([UnsafeRawPointer]) -> R) -> R {
      condition.withLock { places[rank] = own }
      wait()
      let result = body(condition.withLock { places.map { $0! } })
      wait()
      return result
    }
  }
}
