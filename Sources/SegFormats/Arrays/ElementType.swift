/// The number formats found in files. Each format spells them in its own way.
enum ElementType: Sendable {
  case float16, bfloat16, float32, float64
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool

  /// The bytes of one element.
  var byteCount: Int {
    switch self {
    case .int8, .uint8, .bool: return 1
    case .float16, .bfloat16, .int16, .uint16: return 2
    case .float32, .int32, .uint32: return 4
    case .float64, .int64, .uint64: return 8
    }
  }
}

/// How the bits of one number format become a value: a `Float`, or an `Int64`.
protocol FileElement {
  associatedtype Bits: FixedWidthInteger & BitwiseCopyable
  associatedtype Value
  static func value(_ bits: Bits) -> Value
}

extension Float16: FileElement {
  static func value(_ bits: UInt16) -> Float { Float(Float16(bitPattern: bits)) }
}

/// The upper half of a 32-bit float.
enum BFloat16: FileElement {
  static func value(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}

extension Float: FileElement {
  static func value(_ bits: UInt32) -> Float { Float(bitPattern: bits) }
}

extension Double: FileElement {
  static func value(_ bits: UInt64) -> Float { Float(Double(bitPattern: bits)) }
}

extension Bool: FileElement {
  static func value(_ bits: UInt8) -> Int64 { bits == 0 ? 0 : 1 }
}

extension FileElement where Self: FixedWidthInteger {
  /// Numbers from 2⁶³ up turn negative; `StoredElements` looks for them.
  static func value(_ bits: Self) -> Int64 { Int64(truncatingIfNeeded: bits) }
}

extension Int8: FileElement {}
extension Int16: FileElement {}
extension Int32: FileElement {}
extension Int64: FileElement {}
extension UInt8: FileElement {}
extension UInt16: FileElement {}
extension UInt32: FileElement {}
extension UInt64: FileElement {}
