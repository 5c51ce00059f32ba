/// Where a recorder knows a tensor: which recorder, and the number of the value there.
package struct Trace: Sendable, Hashable {
  package let recorder: UInt64
  package let value: Int
}
