import Glibc

/// One object a thread, released when the thread ends.
///
/// The standard library's task-local values are not enough: the pool's workers are plain threads.
package final class ThreadLocal<Object: AnyObject>: @unchecked Sendable {
  private let key: pthread_key_t

  package init() {
    var key = pthread_key_t()
    let status = pthread_key_create(&key) { Unmanaged<AnyObject>.fromOpaque($0!).release() }
    check(status == 0, "ThreadLocal", "the system has no thread-local keys left")
    self.key = key
  }

  package var value: Object? {
    get { pthread_getspecific(key).map { Unmanaged<Object>.fromOpaque($0).takeUnretainedValue() } }
    set {
      if let old = pthread_getspecific(key) { Unmanaged<Object>.fromOpaque(old).release() }
      pthread_setspecific(key, newValue.map { Unmanaged.passRetained($0).toOpaque() })
    }
  }

  /// Runs `body` with another object in place, and puts the old one back.
  package func withValue<R>(_ object: Object?, _ body: () throws -> R) rethrows -> R {
    let outer = value
    value = object
    defer { value = outer }
    return try body()
  }
}
