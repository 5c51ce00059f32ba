/// A run of bytes and the object that keeps them alive: a mapped file, or memory on the heap.
struct ByteRegion {
  private let bytes: UnsafeRawBufferPointer
  let owner: AnyObject

  init(_ file: MappedFile) {
    bytes = file.bytes
    owner = file
  }

  init(_ memory: HeapBytes) {
    bytes = UnsafeRawBufferPointer(memory.bytes)
    owner = memory
  }

  private init(_ bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    self.bytes = bytes
    self.owner = owner
  }

  var count: Int { bytes.count }

  /// Calls `body` with the bytes, which live as long as the call.
  @inline(__always)
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    defer { withExtendedLifetime(owner) {} }
    return try body(bytes)
  }

  /// A part of the region. The caller has checked the bounds; a mistake traps.
  func slice(from start: Int, count: Int) -> ByteRegion {
    ByteRegion(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)]), owner: owner)
  }

  /// A part of the region at an offset that a file states; throws unless it lies within.
  func slice(from start: Int, count: Int, for what: String) throws -> ByteRegion {
    guard start >= 0, count >= 0, start <= self.count, count <= self.count - start else {
      throw Malformed("\(what) needs \(count) bytes at offset \(start), found \(self.count) in all (truncated?)")
    }
    return slice(from: start, count: count)
  }

  /// Whether the region begins with these bytes.
  func starts(with prefix: [UInt8]) -> Bool {
    withBytes { $0.starts(with: prefix) }
  }

  /// The bytes as an array.
  var array: [UInt8] { withBytes { Array($0) } }
}

/// Memory on the heap, freed with its last owner.
final class HeapBytes {
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int) { bytes = .allocate(byteCount: count, alignment: 64) }

  convenience init(_ contents: [UInt8]) {
    self.init(count: contents.count)
    bytes.copyBytes(from: contents)
  }

  deinit { bytes.deallocate() }
}

/// Reads a region from front to back, little-endian; every read is checked against its end.
struct ByteCursor {
  let region: ByteRegion
  private(set) var offset = 0

  init(_ region: ByteRegion, at offset: Int = 0) {
    self.region = region
    self.offset = offset
  }

  /// The bytes not read yet.
  var remaining: Int { region.count - offset }

  /// The next `count` bytes; `what` names them if they are missing.
  mutating func bytes(_ count: Int, _ what: String) throws -> ByteRegion {
    let slice = try region.slice(from: offset, count: count, for: what)
    offset += count
    return slice
  }

  /// The next integer, little-endian.
  mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type = T.self, _ what: String) throws -> T {
    let slice = try bytes(MemoryLayout<T>.size, what)
    return T(littleEndian: slice.withBytes { $0.loadUnaligned(as: T.self) })
  }

  /// The next integer, of type `T`, as a count or an offset: refused where it is negative or beyond any file.
  mutating func size<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, _ what: String) throws -> Int {
    let value = try integer(type, what)
    guard let size = Int(exactly: value), size >= 0 else { throw Malformed("\(what): \(value) is not a possible size") }
    return size
  }

  /// The next `count` bytes as UTF-8.
  mutating func text(_ count: Int, _ what: String) throws -> String {
    let slice = try bytes(count, what)
    guard let text = slice.withBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw Malformed("\(what) at offset \(offset - count) is not UTF-8")
    }
    return text
  }
}
