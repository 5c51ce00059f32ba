import Foundation

/// One job at a time on a thread of its own: the update of a frame, beside MainNet's next one.
final class UpdateThread: @unchecked Sendable {
  private let condition = NSCondition()
  // Guarded by `condition`.
  private var job: (() -> Void)?
  private var isBusy = false, isStopped = false

  init() {
    Thread.detachNewThread { [self] in
      while let job = next() {
        job()
        condition.withLock {
          isBusy = false
          condition.broadcast()
        }
      }
    }
  }

  /// Waits for a job; nil once there will be none.
  private func next() -> (() -> Void)? {
    condition.withLock {
      while job == nil && !isStopped { condition.wait() }
      defer { job = nil }
      return job
    }
  }

  /// Starts a job; whatever it touches belongs to it until ``wait()`` returns.
  func start(_ body: @escaping () -> Void) {
    condition.withLock {
      precondition(!isBusy, "UpdateThread: the last job is still running")
      isBusy = true
      job = body
      condition.broadcast()
    }
  }

  /// Waits for the job to end; returns at once without one.
  func wait() {
    condition.withLock {
      while isBusy { condition.wait() }
    }
  }

  /// Ends the thread.
  func stop() {
    condition.withLock {
      isStopped = true
      condition.broadcast()
    }
  }
}
