import SegFiles
import SegKernels

/// numpy's format of one array: a magic number, a Python dictionary as text, the elements.
enum Npy {
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  static func isRecognised(_ region: ByteRegion) -> Bool { region.starts(with: magic) }

  static func read(_ region: ByteRegion) throws -> StoredArray {
    var cursor = ByteCursor(region)
    _ = try cursor.bytes(magic.count, "the magic number")
    let version = try cursor.integer(UInt8.self, "the version")
    _ = try cursor.integer(UInt8.self, "the version")
    guard (1...3).contains(version) else { throw Malformed("expected version 1 to 3 of the npy format, found \(version)") }
    let length = version == 1
      ? Int(try cursor.integer(UInt16.self, "the header's length")) : Int(try cursor.integer(UInt32.self, "the header's length"))
    let header = try cursor.text(length, "the header")
    let type = try elementType(field("descr", of: header))
    let extents = try shape(field("shape", of: header))
    let isFortran = try field("fortran_order", of: header).hasPrefix("True")
    let count = try type.element.byteCount(extents)
    guard cursor.remaining == count else {
      throw Malformed("an array of shape \(Shape(extents)) takes \(count) bytes, found \(cursor.remaining)")
    }
    let body = try cursor.bytes(count, "the elements")
    guard isFortran, extents.count > 1 else {
      return try type.element.array(body, Shape(extents), isBigEndian: type.isBigEndian)
    }
    // Column-major: a row-major array with its axes in reverse.
    switch try type.element.array(body, Shape(extents.reversed()), isBigEndian: type.isBigEndian) {
    case .float(let tensor): return .float(tensor.permuted(Array(extents.indices.reversed())))
    case .integer(let array): return .integer(array.transposedAxes())
    }
  }

  /// The value of a key in the header's dictionary, up to the end of the header.
  private static func field(_ key: String, of header: String) throws -> Substring {
    guard let range = header.range(ofKey: "'\(key)':") else { throw Malformed("the header has no '\(key)'") }
    return header[range...].drop { $0 == " " }
  }

  private static func elementType(_ text: Substring) throws -> (element: ElementType, isBigEndian: Bool) {
    let code = text.dropFirst().prefix { $0 != "'" }
    let types: [Substring: ElementType] = [
      "f2": .float16, "f4": .float32, "f8": .float64, "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64,
      "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64, "b1": .bool,
    ]
    guard text.hasPrefix("'"), let order = code.first, "<>|=".contains(order), let type = types[code.dropFirst()] else {
      throw Malformed("unsupported element type \(String(text.prefix(20)).printable)")
    }
    return (type, order == ">")
  }

  private static func shape(_ text: Substring) throws -> [Int] {
    guard text.hasPrefix("("), let end = text.firstIndex(of: ")") else { throw Malformed("the shape is no tuple") }
    let items = text[text.index(after: text.startIndex)..<end].split(separator: ",").map { $0.filter { $0 != " " } }
    return try items.filter { !$0.isEmpty }.map {
      guard let extent = Int($0), extent >= 0 else { throw Malformed("'\(String($0).printable)' is no extent") }
      return extent
    }
  }

  /// The bytes of an array: little-endian floats of 4 or integers of 8 bytes, row-major.
  static func encode(_ array: StoredArray) -> [UInt8] {
    let extents = array.shape.dimensions
    let shape = extents.count == 1 ? "(\(extents[0]),)" : "(" + extents.map(String.init).joined(separator: ", ") + ")"
    var header = "{'descr': '\(array.isInteger ? "<i8" : "<f4")', 'fortran_order': False, 'shape': \(shape), }"
    // The elements begin at a multiple of 64.
    let unpadded = magic.count + 4 + header.utf8.count + 1
    header += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
    var bytes = magic + [1, 0, UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)] + Array(header.utf8)
    switch array {
    case .float(let tensor): tensor.withUnsafeBufferPointer { bytes += UnsafeRawBufferPointer($0) }
    case .integer(let array): array.values.withUnsafeBytes { bytes += $0 }
    }
    return bytes
  }
}

extension String {
  /// Where the value begins behind the first occurrence of a key.
  fileprivate func range(ofKey key: String) -> Index? {
    var rest = self[...]
    while !rest.isEmpty {
      if rest.hasPrefix(key) { return rest.index(rest.startIndex, offsetBy: key.count) }
      rest = rest.dropFirst()
    }
    return nil
  }
}

extension IntegerArray {
  /// The array with its axes in reverse order.
  func transposedAxes() -> IntegerArray {
    let target = Shape(shape.reversed())
    let steps = Array(shape.strides.reversed())
    return IntegerArray(target, (0..<target.elementCount).map { index in
      var (rest, offset) = (index, 0)
      for axis in target.indices.reversed() {
        offset += rest % target[axis] * steps[axis]
        rest /= target[axis]
      }
      return values[offset]
    })
  }
}
