import Synchronization

/// Where a recorder knows a tensor: which recorder, and the number of the value there.
package struct Trace: Sendable, Hashable {
  package let recorder: UInt64
  package let value: Int
}

/// Something that takes note of operations as they are applied: a gradient tape, or a graph being captured.
///
/// There is at most one a thread, in force for the duration of a closure.
package class Recorder {
  private static let identities = Atomic<UInt64>(0)
  private static let local = ThreadLocal<Recorder>()

  /// Tells the values of this recorder from those of earlier ones.
  let identity = Recorder.identities.wrappingAdd(1, ordering: .relaxed).newValue
  private var valueCount = 0

  /// The recorder in force on this thread.
  static var current: Recorder? { local.value }

  /// Runs `body` with this recorder in force.
  func record<R>(_ body: () throws -> R) rethrows -> R { try Recorder.local.withValue(self, body) }

  /// Runs `body` with no recorder in force.
  static func pause<R>(_ body: () throws -> R) rethrows -> R { try local.withValue(nil, body) }

  /// A new value of this recorder.
  func newTrace() -> Trace {
    defer { valueCount += 1 }
    return Trace(recorder: identity, value: valueCount)
  }

  /// Takes note of one operation, at least one of whose inputs is a value of this recorder, and returns its results.
  ///
  /// - Parameter values: the numbers of the inputs that this recorder knows; `nil` for constants.
  func record(_ operation: some TensorOperation, _ inputs: [Tensor], _ values: [Int?], _ shapes: [Shape]) -> [Tensor] {
    misuse("Recorder", "is abstract")
  }
}

/// Runs `body` unrecorded: what it computes is constant for the tape.
public func withoutGradients<R>(_ body: () throws -> R) rethrows -> R { try Recorder.pause(body) }
