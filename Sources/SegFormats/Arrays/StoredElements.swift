import Glibc
import SegKernels

/// An array as it lies in a file: typed elements in a run of bytes, walked by strides.
///
/// All formats end here. 32-bit floats that lie as a `Tensor` wants them are borrowed, not copied.
struct StoredElements {
  let type: ElementType
  let bytes: ByteRegion
  let isBigEndian: Bool
  /// The number of elements.
  let count: Int
  private let shape: [Int]
  /// The first element.
  private let offset: Int
  /// The axes with a stride each, in elements, after axes of one element were dropped and neighbours that walk memory
  /// evenly were joined: empty or one axis of stride 1 for anything contiguous.
  private let axes: [(extent: Int, stride: Int)]

  /// Elements in row-major order that fill `bytes` exactly.
  init(_ type: ElementType, _ bytes: ByteRegion, shape: [Int], isBigEndian: Bool = false) throws {
    let expected = try StoredElements.byteCount(type, shape)
    guard bytes.count == expected else {
      throw Malformed("shape \(shape) takes \(expected) bytes, found \(bytes.count)")
    }
    let strides = Shape(shape).strides
    try self.init(type, bytes, shape: shape, strides: strides, offset: 0, isBigEndian: isBigEndian)
  }

  /// Elements at given strides, which must stay inside `bytes`.
  init(
    _ type: ElementType, _ bytes: ByteRegion, shape: [Int], strides: [Int], offset: Int, isBigEndian: Bool = false
  ) throws {
    guard shape.count == strides.count else {
      throw Malformed("\(shape.count) axes in shape, \(strides.count) in strides")
    }
    count = try StoredElements.byteCount(type, shape) / type.byteCount
    self.type = type
    self.bytes = bytes
    self.isBigEndian = isBigEndian
    self.shape = shape
    self.offset = offset
    axes = count == 0 ? [] : StoredElements.joined(shape, strides)
    guard count > 0 else { return }

    // The largest index decides, since no stride may be negative.
    var last = offset
    var fits = offset >= 0 && strides.allSatisfy { $0 >= 0 }
    for (extent, stride) in zip(shape, strides) {
      let (span, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflow2) = last.addingReportingOverflow(span)
      fits = fits && !overflow && !overflow2
      last = sum
    }
    guard fits, last < bytes.count / type.byteCount else {
      throw Malformed(
        "shape \(shape) with strides \(strides) from element \(offset) reaches outside the "
          + "\(bytes.count / type.byteCount) elements stored")
    }
  }

  /// The bytes of an array, or an error where the product is beyond any file. Zeros are counted as ones for that: a
  /// shape such as (0, 2⁶², 2⁶²) has no elements, but its strides overflow.
  static func byteCount(_ type: ElementType, _ shape: [Int]) throws -> Int {
    guard shape.count <= 64 else { throw Malformed("expected at most 64 axes, found \(shape.count)") }
    // Eight: integers grow to that many bytes in memory.
    var bytes = 8
    for extent in shape {
      guard extent >= 0 else { throw Malformed("extents must not be negative, found shape \(shape)") }
      let (product, overflow) = bytes.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow else { throw Malformed("shape \(shape) is too large for memory") }
      bytes = product
    }
    return shape.contains(0) ? 0 : bytes / 8 * type.byteCount
  }

  private static func joined(_ shape: [Int], _ strides: [Int]) -> [(extent: Int, stride: Int)] {
    var axes: [(extent: Int, stride: Int)] = []
    for (extent, stride) in zip(shape, strides) where extent > 1 {
      if let outer = axes.last, case (let span, let overflow) = extent.multipliedReportingOverflow(by: stride),
        !overflow,
        outer.stride == span
      {
        axes[axes.count - 1] = (outer.extent * extent, stride)
      } else {
        axes.append((extent, stride))
      }
    }
    return axes
  }

  // MARK: - Values

  /// The array.
  func array() throws -> WeightArray {
    switch type {
    case .float16: return .float(floats(Float16.self))
    case .bfloat16: return .float(floats(BFloat16.self))
    case .float32: return .float(contiguousFloats() ?? floats(Float.self))
    case .float64: return .float(floats(Double.self))
    case .int8: return .integer(integers(Int8.self))
    case .int16: return .integer(integers(Int16.self))
    case .int32: return .integer(integers(Int32.self))
    case .int64: return .integer(integers(Int64.self))
    case .uint8: return .integer(integers(UInt8.self))
    case .uint16: return .integer(integers(UInt16.self))
    case .uint32: return .integer(integers(UInt32.self))
    case .uint64:
      let array = integers(UInt64.self)
      guard array.values.allSatisfy({ $0 >= 0 }) else {
        throw Malformed("holds an unsigned number of 2^63 or more, which does not fit a 64-bit integer")
      }
      return .integer(array)
    case .bool: return .integer(integers(Bool.self))
    }
  }

  private var isContiguous: Bool { axes.isEmpty || (axes.count == 1 && axes[0].stride == 1) }

  /// The fast path: 32-bit floats in order are borrowed if they are aligned, and else copied in one go.
  private func contiguousFloats() -> Tensor? {
    guard isContiguous, !isBigEndian, count > 0 else { return nil }
    return bytes.withBytes { memory in
      let start = memory.baseAddress! + offset * MemoryLayout<Float>.size
      guard Int(bitPattern: start) % MemoryLayout<Float>.alignment != 0 else {
        let floats = start.assumingMemoryBound(to: Float.self)
        return Tensor(shape: Shape(shape), storage: Storage(borrowing: floats, count: count, owner: bytes.owner))
      }
      return Tensor(uninitialized: Shape(shape)) { memcpy($0.baseAddress!, start, $0.count * MemoryLayout<Float>.size) }
    }
  }

  private func floats<E: FileElement>(_ element: E.Type) -> Tensor where E.Value == Float {
    Tensor(uninitialized: Shape(shape)) { buffer in
      if count > 0 { gather(element, into: buffer.baseAddress!) }
    }
  }

  private func integers<E: FileElement>(_ element: E.Type) -> IntegerArray where E.Value == Int64 {
    let values = [Int64](unsafeUninitializedCapacity: count) { buffer, initialized in
      if count > 0 { gather(element, into: buffer.baseAddress!) }
      initialized = count
    }
    return IntegerArray(Shape(shape), values)
  }

  /// Walks the elements in row-major order, converting each: rows of the last axis inside, an odometer over the others
  /// outside.
  private func gather<E: FileElement>(_ element: E.Type, into result: UnsafeMutablePointer<E.Value>) {
    let outer = axes.dropLast()
    let (rowLength, step) = axes.last ?? (1, 1)
    var position = [Int](repeating: 0, count: outer.count)
    var source = offset
    bytes.withBytes { memory in
      let base = memory.baseAddress!
      for row in stride(from: 0, to: count, by: rowLength) {
        let destination = result + row
        for index in 0..<rowLength {
          let address = (source + index * step) * MemoryLayout<E.Bits>.size
          let bits = base.loadUnaligned(fromByteOffset: address, as: E.Bits.self)
          (destination + index).initialize(to: E.value(isBigEndian ? bits.byteSwapped : bits))
        }
        for axis in outer.indices.reversed() {
          position[axis] += 1
          source += outer[axis].stride
          if position[axis] < outer[axis].extent { break }
          source -= outer[axis].extent * outer[axis].stride
          position[axis] = 0
        }
      }
    }
  }
}
