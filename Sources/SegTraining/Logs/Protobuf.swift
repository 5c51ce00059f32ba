/// Protocol Buffers' wire format, as far as TensorBoard's few messages need it.
struct ProtobufMessage {
  /// The encoded fields.
  private(set) var bytes: [UInt8] = []

  /// Adds an integer.
  mutating func add(_ field: Int, integer: Int) {
    key(field, 0)
    variable(UInt64(bitPattern: Int64(integer)))
  }

  /// Adds a double.
  mutating func add(_ field: Int, double: Double) {
    key(field, 1)
    bytes += double.bitPattern.bytes
  }

  /// Adds a float.
  mutating func add(_ field: Int, float: Float) {
    key(field, 5)
    bytes += float.bitPattern.bytes
  }

  /// Adds a text, bytes or an encoded message.
  mutating func add(_ field: Int, bytes contents: some Collection<UInt8>) {
    key(field, 2)
    variable(UInt64(contents.count))
    bytes += contents
  }

  private mutating func key(_ field: Int, _ type: Int) { variable(UInt64(field << 3 | type)) }

  private mutating func variable(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F | 0x80))
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// The first integer field of this number in an encoded message; nil where there is none, or no message.
  static func integer(_ wanted: Int, in bytes: [UInt8]) -> Int? {
    var rest = bytes[...]
    func variable() -> UInt64? {
      var value: UInt64 = 0
      for shift in stride(from: 0, to: 64, by: 7) {
        guard let byte = rest.popFirst() else { return nil }
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
      }
      return nil
    }
    while let key = variable() {
      switch key & 7 {
      case 0:
        guard let value = variable() else { return nil }
        if key >> 3 == wanted { return Int(Int64(bitPattern: value)) }
      case 1: rest = rest.dropFirst(8)
      case 2:
        guard let count = variable(), count <= rest.count else { return nil }
        rest = rest.dropFirst(Int(count))
      case 5: rest = rest.dropFirst(4)
      default: return nil
      }
    }
    return nil
  }
}
