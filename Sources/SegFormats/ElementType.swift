import SegKernels

/// What the elements of an array in a file are.
enum ElementType: Sendable, Hashable {
  case float16, bfloat16, float32, float64
  case int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool

  /// Bytes an element.
  var size: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// The bytes that a shape takes; throws where that overflows.
  func byteCount(_ extents: [Int]) throws -> Int {
    var total = size
    for extent in extents {
      let (product, overflow) = total.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else { throw Malformed("shape \(extents) overflows") }
      total = product
    }
    return total
  }

  /// Reads an array whose bytes lie one after the other, row by row.
  ///
  /// 32-bit floats in place share the memory of `region`; everything else is converted.
  func array(_ region: ByteRegion, _ shape: Shape, isBigEndian: Bool = false) throws -> StoredArray {
    let count = shape.elementCount
    guard region.count == count * size else {
      throw Malformed("shape \(shape) takes \(count * size) bytes, found \(region.count)")
    }
    if self == .float32, !isBigEndian, let shared = region.sharedFloats {
      return .float(Tensor(shape: shape, storage: Storage(borrowing: shared, count: count, owner: region.owner)))
    }
    return try region.withBytes { bytes in
      func raw<T: FixedWidthInteger & BitwiseCopyable>(_ index: Int, as type: T.Type) -> T {
        let value = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: type)
        return isBigEndian ? T(bigEndian: value) : T(littleEndian: value)
      }
      func floats(_ element: (Int) -> Float) -> StoredArray {
        .float(Tensor(uninitialized: shape) { for i in $0.indices { $0[i] = element(i) } })
      }
      func integers<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws -> StoredArray {
        .integer(IntegerArray(shape, try (0..<count).map {
          guard let value = Int64(exactly: raw($0, as: type)) else { throw Malformed("an integer exceeds 64 bits") }
          return value
        }))
      }
      switch self {
      case .float32: return floats { Float(bitPattern: raw($0, as: UInt32.self)) }
      case .float64: return floats { Float(Double(bitPattern: raw($0, as: UInt64.self))) }
      case .bfloat16: return floats { Float(bitPattern: UInt32(raw($0, as: UInt16.self)) << 16) }
      case .float16: return floats { Float(halfBits: raw($0, as: UInt16.self)) }
      case .int8: return try integers(Int8.self)
      case .int16: return try integers(Int16.self)
      case .int32: return try integers(Int32.self)
      case .int64: return try integers(Int64.self)
      case .uint8, .bool: return try integers(UInt8.self)
      case .uint16: return try integers(UInt16.self)
      case .uint32: return try integers(UInt32.self)
      case .uint64: return try integers(UInt64.self)
      }
    }
  }
}

extension ByteRegion {
  /// The bytes as floats in place, if they are aligned and the machine is little-endian.
  fileprivate var sharedFloats: UnsafePointer<Float>? {
    guard Int(littleEndian: 1) == 1, count > 0 else { return nil }
    return withBytes { bytes in
      guard UInt(bitPattern: bytes.baseAddress) % UInt(MemoryLayout<Float>.alignment) == 0 else { return nil }
      return bytes.bindMemory(to: Float.self).baseAddress
    }
  }
}

extension Float {
  /// The value of an IEEE half. Swift's Float16 does not exist on every platform.
  fileprivate init(halfBits bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16, exponent = UInt32(bits >> 10 & 0x1F), fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0: self = (sign == 0 ? 1 : -1) * Float(fraction) * 0x1p-24
    case 31: self.init(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: self.init(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}
