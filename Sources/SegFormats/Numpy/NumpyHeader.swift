import SegFiles

/// The header of a `.npy` file: a Python dictionary of three entries, read and written without Python.
struct NumpyHeader {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  private(set) var type = ElementType.float32
  private(set) var isBigEndian = false
  private(set) var isFortranOrder = false
  private(set) var shape: [Int] = []

  /// Reads magic, version and dictionary.
  init(_ cursor: inout ByteCursor) throws {
    guard try cursor.bytes(6, "npy magic").array == NumpyHeader.magic else {
      throw Malformed("expected the magic of a npy file, found other bytes")
    }
    let major = try cursor.integer(UInt8.self, "npy version")
    let minor = try cursor.integer(UInt8.self, "npy version")
    guard (1...3).contains(major), minor == 0 else {
      throw Malformed("npy version \(major).\(minor), expected 1.0, 2.0 or 3.0")
    }
    let count =
      major == 1
      ? try cursor.size(UInt16.self, "npy header length") : try cursor.size(UInt32.self, "npy header length")
    guard count <= 65_536 else { throw Malformed("npy header of \(count) bytes, expected at most 65536") }
    var literal = PythonLiteral(try cursor.bytes(count, "npy header").array)
    var seen: Set<String> = []
    try literal.readDictionary { key, literal in
      guard seen.insert(key).inserted else { throw Malformed("npy header: two entries are named \(key.quoted)") }
      switch key {
      case "descr": try readType(literal.readString())
      case "fortran_order": isFortranOrder = try literal.readBool()
      case "shape": shape = try literal.readSizes()
      default: throw Malformed("npy header: unknown entry \(key.quoted)")
      }
    }
    guard seen.count == 3 else {
      throw Malformed("npy header: expected descr, fortran_order and shape, found \(seen.sorted())")
    }
  }

  /// Type names such as `<f4`: byte order, kind, bytes.
  private mutating func readType(_ name: String) throws {
    guard let order = name.first, "<>|=".contains(order), let type = NumpyHeader.types[String(name.dropFirst())],
      order != "|" || type.byteCount == 1
    else {
      throw Malformed(
        "npy: element type \(name.quoted) is not supported: expected f2, f4, f8, i1 to i8, u1 to u8 or b1")
    }
    self.type = type
    isBigEndian = order == ">"
  }

  private static let types: [String: ElementType] = [
    "f2": .float16, "f4": .float32, "f8": .float64, "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64,
    "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64, "b1": .bool,
  ]

  /// The bytes before the data, a multiple of 64, as version 1.0.
  static func bytes(type: String, shape: [Int]) throws -> [UInt8] {
    // A tuple of one element has a comma.
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }"
    text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
    guard let count = UInt16(exactly: text.utf8.count) else {
      throw Malformed("a shape of \(shape.count) axes is too long")
    }
    return magic + [1, 0, UInt8(count & 0xFF), UInt8(count >> 8)] + Array(text.utf8)
  }
}

/// Reads the small part of Python's notation that npy headers use.
struct PythonLiteral {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Reads a dictionary up to the end of the text, handing every key to `readValue`, which reads the value.
  mutating func readDictionary(_ readValue: (String, inout PythonLiteral) throws -> Void) throws {
    try expect("{")
    while !skip("}") {
      let key = try readString()
      try expect(":")
      try readValue(key, &self)
      if !skip(",") {
        try expect("}")
        break
      }
    }
    skipSpaces()
    guard position == bytes.count else { throw failure("its end") }
  }

  mutating func readString() throws -> String {
    skipSpaces()
    guard let quote = next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { throw failure("a string") }
    position += 1
    let start = position
    while let byte = next, byte != quote, byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
    guard next == quote, let text = String(validating: bytes[start..<position], as: UTF8.self) else {
      throw failure("a string")
    }
    position += 1
    return text
  }

  mutating func readBool() throws -> Bool {
    if skip("True") { return true }
    if skip("False") { return false }
    throw failure("True or False")
  }

  /// A tuple of integers that are not negative: `()`, `(3,)`, `(3, 4)`.
  mutating func readSizes() throws -> [Int] {
    try expect("(")
    var sizes: [Int] = []
    while !skip(")") {
      sizes.append(try readSize())
      if !skip(",") {
        try expect(")")
        guard sizes.count > 1 else { throw failure("a comma after the only size") }
        break
      }
    }
    return sizes
  }

  private mutating func readSize() throws -> Int {
    skipSpaces()
    let start = position
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard let size = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else { throw failure("a size") }
    // Python 2 wrote long integers as 3L.
    _ = skip("L")
    return size
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpaces() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D { position += 1 }
  }

  private mutating func skip(_ token: String) -> Bool {
    skipSpaces()
    guard bytes[position...].starts(with: token.utf8) else { return false }
    position += token.utf8.count
    return true
  }

  private mutating func expect(_ token: String) throws {
    guard skip(token) else { throw failure(token.quoted) }
  }

  private func failure(_ expected: String) -> Malformed {
    Malformed("npy header: expected \(expected) at character \(position)")
  }
}
