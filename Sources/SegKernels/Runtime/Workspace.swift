/// Scratch memory of one thread: buffers are kept between uses, so that a kernel's panels are allocated once.
final class Workspace {
  private static let local = ThreadLocal<Workspace>()
  private var idle: [UnsafeMutableBufferPointer<Float>] = []

  deinit { idle.forEach { $0.deallocate() } }

  /// A buffer of at least `count` floats, 64-byte aligned, holding whatever the last user left.
  fileprivate static func borrow<R>(_ count: Int, _ body: (UnsafeMutablePointer<Float>) throws -> R) rethrows -> R {
    let workspace = local.value ?? Workspace()
    local.value = workspace
    var buffer = workspace.idle.popLast()
    if buffer.map({ $0.count < count }) ?? true {
      buffer?.deallocate()
      let raw = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1) * 4, alignment: Storage.alignment)
      buffer = raw.bindMemory(to: Float.self)
    }
    defer { workspace.idle.append(buffer!) }
    return try body(buffer!.baseAddress!)
  }
}

/// Lends `count` uninitialised floats of this thread's scratch memory for the duration of `body`.
package func withWorkspace<R>(
  _ count: Int, _ body: (UnsafeMutablePointer<Float>) throws -> R
) rethrows -> R {
  try Workspace.borrow(count, body)
}
