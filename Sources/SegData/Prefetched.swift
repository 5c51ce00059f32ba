import Foundation

/// An endless sequence whose elements are made ahead, in order, on one background thread.
struct Prefetched<Element: Sendable>: Sequence {
  private let first: Int
  private let depth: Int
  private let make: @Sendable (Int) -> Element

  /// - Parameter depth: how many finished elements may wait.
  init(from first: Int, depth: Int = 2, _ make: @escaping @Sendable (Int) -> Element) {
    self.first = first
    self.depth = depth
    self.make = make
  }

  func makeIterator() -> Iterator { Iterator(queue: Queue(from: first, depth: depth, make)) }

  /// Takes elements from the queue; the thread ends with its iterator.
  final class Iterator: IteratorProtocol {
    private let queue: Queue

    init(queue: Queue) { self.queue = queue }

    deinit { queue.stop() }

    func next() -> Element? { queue.take() }
  }

  /// What the thread and the iterator share.
  final class Queue: @unchecked Sendable {
    private let condition = NSCondition()
    // Guarded by `condition`.
    private var ready: [Element] = []
    private var isStopped = false

    init(from first: Int, depth: Int, _ make: @escaping @Sendable (Int) -> Element) {
      Thread.detachNewThread { [self] in
        var step = first
        while waitForRoom(depth) {
          let element = make(step)
          condition.withLock {
            ready.append(element)
            condition.signal()
          }
          step += 1
        }
      }
    }

    /// Blocks while the queue is full; false once no one takes any more.
    private func waitForRoom(_ depth: Int) -> Bool {
      condition.withLock {
        while ready.count >= depth && !isStopped { condition.wait() }
        return !isStopped
      }
    }

    func take() -> Element {
      condition.withLock {
        while ready.isEmpty { condition.wait() }
        defer { condition.signal() }
        return ready.removeFirst()
      }
    }

    func stop() {
      condition.withLock {
        isStopped = true
        condition.broadcast()
      }
    }
  }
}
