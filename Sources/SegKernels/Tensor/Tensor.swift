/// A dense array of 32-bit floats with value semantics.
///
/// Copies share their memory until one of them is written. Images are `[N, C, H, W]`: batch, channels, rows, columns.
/// A tensor made while a `Graph` is captured has a shape and no data; reading it traps.
public struct Tensor: Sendable {
  /// The extents, outermost first.
  public let shape: Shape
  package let layout: Layout
  /// `nil` in a tensor that stands for a value of a captured graph.
  private var storage: Storage?
  /// Where a tape or a capture knows this value; see `Recorder`.
  package var trace: Trace?

  /// Wraps existing memory.
  package init(shape: Shape, storage: Storage, layout: Layout = .rowMajor) {
    check(storage.count >= layout.storedCount(shape), "Tensor", "\(storage.count) floats cannot hold shape \(shape)")
    self.shape = shape
    self.storage = storage
    self.layout = layout
  }

  /// A value without data, for capture.
  package init(symbolic shape: Shape, trace: Trace) {
    self.shape = shape
    self.trace = trace
    layout = .rowMajor
  }

  /// Makes a tensor by filling uninitialised memory.
  ///
  /// - Parameters:
  ///   - shape: the tensor's.
  ///   - fill: receives all `shape.elementCount` floats and must write each of them.
  public init(uninitialized shape: Shape, _ fill: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
    self.init(uninitialized: shape, layout: .rowMajor)
    try fill(UnsafeMutableBufferPointer(start: storage!.base, count: storage!.count))
  }

  package init(uninitialized shape: Shape, layout: Layout) {
    self.init(shape: shape, storage: Storage(count: layout.storedCount(shape)), layout: layout)
  }

  /// The number of elements.
  public var count: Int { shape.elementCount }

  /// The number of axes.
  public var rank: Int { shape.rank }

  /// False in a tensor that stands for a value of a graph being captured.
  public var hasData: Bool { storage != nil }

  /// Two tensors of one storage hold the same bytes: what names a parameter in a captured graph.
  package var storageIdentity: ObjectIdentifier? { storage.map(ObjectIdentifier.init) }

  /// The memory, row-major. Valid while the tensor lives; `withExtendedLifetime` is the caller's duty.
  package func pointer(for operation: String) -> UnsafePointer<Float> {
    guard let storage else {
      misuse(
        operation, "reads the data of a \(shape) value while a graph is captured; make the step a custom operation")
    }
    return UnsafePointer(storage.base)
  }

  /// Calls `body` with the elements in row-major order.
  public func withUnsafeBufferPointer<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) rethrows -> R {
    let plain = rowMajor()
    defer { withExtendedLifetime(plain) {} }
    return try body(UnsafeBufferPointer(start: plain.pointer(for: "Tensor.withUnsafeBufferPointer"), count: count))
  }

  /// Calls `body` with the elements in row-major order, for writing. The memory is copied first if it is shared.
  ///
  /// A tensor that was written is a new value: no tape knows it.
  public mutating func withUnsafeMutableBufferPointer<R>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> R
  ) rethrows -> R {
    self = rowMajor()
    makeUnique()
    trace = nil
    return try body(UnsafeMutableBufferPointer(start: storage!.base, count: count))
  }

  /// The memory of a tensor that nobody else refers to, in its own layout, for an operation that fills its result.
  package mutating func exclusivePointer() -> UnsafeMutablePointer<Float> {
    makeUnique()
    return storage!.base
  }

  private mutating func makeUnique() {
    let source = pointer(for: "Tensor.withUnsafeMutableBufferPointer")
    guard storage!.owner != nil || !isKnownUniquelyReferenced(&storage) else { return }
    let copy = Storage(count: storage!.count)
    copy.base.update(from: source, count: copy.count)
    storage = copy
  }

  /// Lets the memory of a mapped file go until someone reads it again.
  package func giveBackPages() {
    guard let storage, let owner = storage.owner as? any PageOwner else { return }
    owner.giveBack(UnsafeRawBufferPointer(start: storage.base, count: storage.count * MemoryLayout<Float>.stride))
  }

  /// The same value under another shape of as many elements; no data move.
  package func viewed(as shape: Shape) -> Tensor {
    check(
      shape.elementCount == count, "reshape", "\(self.shape) has \(count) elements, \(shape) has \(shape.elementCount)")
    guard let storage = rowMajor().storage else {
      misuse("reshape", "reads the data of a value while a graph is captured")
    }
    return Tensor(shape: shape, storage: storage)
  }

  /// The same value, unknown to any tape: gradients stop here.
  public func detached() -> Tensor {
    var result = self
    result.trace = nil
    return result
  }

  /// The elements in row-major order.
  public var scalars: [Float] { withUnsafeBufferPointer(Array.init) }

  /// The only element. Traps unless there is exactly one.
  public var scalar: Float {
    check(count == 1, "Tensor.scalar", "expected one element, found shape \(shape)")
    return withUnsafeBufferPointer { $0[0] }
  }

  /// One element, by its index on every axis.
  public subscript(indices: Int...) -> Float {
    check(indices.count == rank, "Tensor subscript", "shape \(shape) takes \(rank) indices, found \(indices.count)")
    check(zip(indices, shape).allSatisfy { $0 >= 0 && $0 < $1 }, "Tensor subscript", "\(indices) is outside \(shape)")
    return withUnsafeBufferPointer { $0[zip(indices, shape.strides).reduce(0) { $0 + $1.0 * $1.1 }] }
  }
}
