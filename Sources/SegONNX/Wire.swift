/// What is wrong with an ONNX file; the path is added where it is known.
struct ONNXProblem: Error {
  let text: String
  init(_ text: String) { self.text = text }
}

/// Reads the fields of one protobuf message, front to back. Written by hand: six kinds of field are all there is, and
/// weights are then copied once, from the file into their tensor.
struct WireReader {
  enum Value {
    case integer(UInt64)
    case bytes(Range<Int>)
  }

  let file: [UInt8]
  private var position: Int
  private let end: Int

  init(_ file: [UInt8], _ range: Range<Int>) {
    self.file = file
    (position, end) = (range.lowerBound, range.upperBound)
  }

  /// The next field; nil at the end.
  mutating func next() throws -> (field: Int, value: Value)? {
    guard position < end else { return nil }
    let key = try varint(), field = Int(key >> 3 & 0x1fff_ffff)
    switch key & 7 {
    case 0: return (field, .integer(try varint()))
    case 1: return (field, .integer(try fixed(8)))
    case 2:
      let count = try varint()
      guard count <= UInt64(end - position) else {
        throw ONNXProblem("a field of \(count) bytes at offset \(position), found \(end - position) (truncated?)")
      }
      defer { position += Int(count) }
      return (field, .bytes(position..<position + Int(count)))
    case 5: return (field, .integer(try fixed(4)))
    default: throw ONNXProblem("no ONNX file: wire type \(key & 7) at offset \(position)")
    }
  }

  /// A varint within ten bytes.
  mutating func varint() throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < end else { throw ONNXProblem("a number at offset \(position) is cut off (truncated?)") }
      let byte = file[position]
      position += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw ONNXProblem("no ONNX file: a number of more than ten bytes at offset \(position)")
  }

  mutating func fixed(_ count: Int) throws -> UInt64 {
    guard count <= end - position else { throw ONNXProblem("a number at offset \(position) is cut off (truncated?)") }
    defer { position += count }
    return (0..<count).reduce(0) { $0 | UInt64(file[position + $1]) << UInt64(8 * $1) }
  }

  var isAtEnd: Bool { position >= end }
}

/// Writes the fields of one protobuf message.
struct WireWriter {
  private(set) var bytes: [UInt8] = []

  mutating func integer(_ field: Int, _ value: Int) {
    varint(UInt64(field) << 3)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func real(_ field: Int, _ value: Float) {
    varint(UInt64(field) << 3 | 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func text(_ field: Int, _ value: String) { run(field, Array(value.utf8)) }

  mutating func run(_ field: Int, _ value: [UInt8]) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  mutating func message(_ field: Int, _ body: (inout WireWriter) -> Void) {
    var inner = WireWriter()
    body(&inner)
    run(field, inner.bytes)
  }

  private mutating func varint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      bytes.append(UInt8(value & 0x7f) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(value))
  }
}
