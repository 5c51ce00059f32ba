import SegFiles
import SegKernels

/// The safetensors format: the length of a JSON header in 8 bytes, the header, then the arrays without gaps.
enum Safetensors {
  /// What the format allows a header to have.
  private static let headerLimit = 100_000_000

  private static let types: [String: ElementType] = [
    "F16": .float16, "BF16": .bfloat16, "F32": .float32, "F64": .float64, "I8": .int8, "I16": .int16, "I32": .int32,
    "I64": .int64, "U8": .uint8, "U16": .uint16, "U32": .uint32, "U64": .uint64, "BOOL": .bool,
  ]

  /// Whether the bytes begin like a safetensors file: a plausible length and an opening brace.
  static func isRecognised(_ region: ByteRegion) -> Bool {
    guard region.count >= 9 else { return false }
    var cursor = ByteCursor(region)
    guard let length = try? cursor.integer(UInt64.self, "header"), length >= 2, length <= UInt64(Int.max) else { return false }
    return region.withBytes { $0[8] == UInt8(ascii: "{") }
  }

  /// Reads the arrays; 32-bit floats share the file's memory.
  static func read(_ region: ByteRegion) throws -> WeightArchive {
    var cursor = ByteCursor(region)
    let length = try cursor.size(UInt64.self, "the header's length")
    guard length <= headerLimit else { throw Malformed("a header of \(length) bytes exceeds the limit of \(headerLimit)") }
    let header = try cursor.bytes(length, "the header")
    let body = try cursor.bytes(cursor.remaining, "the arrays")
    guard case .object(let members) = try header.withBytes({ try JSON($0) }) else {
      throw Malformed("the header should be a JSON object")
    }
    var metadata: [String: String] = [:]
    var found: [(name: String, type: ElementType, shape: Shape, start: Int, end: Int)] = []
    for (name, value) in members {
      if name == "__metadata__" {
        metadata = try notes(value)
      } else {
        found.append(try entry(name, value))
      }
    }
    // The arrays must tile the rest of the file: no gap, no overlap, nothing after.
    var end = 0
    for entry in found.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
      guard entry.start == end else {
        throw Malformed("array '\(entry.name.printable)' should begin at \(end), found \(entry.start): a gap or an overlap")
      }
      end = entry.end
    }
    guard end == body.count else { throw Malformed("arrays of \(end) bytes announced, found \(body.count)") }
    return WeightArchive(
      try found.map { entry in
        let bytes = body.slice(from: entry.start, count: entry.end - entry.start)
        return (entry.name, try entry.type.array(bytes, entry.shape))
      }, metadata: metadata)
  }

  private static func notes(_ value: JSON) throws -> [String: String] {
    guard case .object(let members) = value else { throw Malformed("__metadata__ should be an object") }
    return Dictionary(uniqueKeysWithValues: try members.map { key, value in
      guard case .string(let text) = value else { throw Malformed("__metadata__ '\(key.printable)' should be a string") }
      return (key, text)
    })
  }

  private static func entry(
    _ name: String, _ value: JSON
  ) throws -> (name: String, type: ElementType, shape: Shape, start: Int, end: Int) {
    guard case .object(let members) = value else { throw Malformed("array '\(name.printable)' should be an object") }
    func integers(_ key: String) throws -> [Int] {
      guard case .array(let elements)? = members.first(where: { $0.key == key })?.value else {
        throw Malformed("array '\(name.printable)' has no list '\(key)'")
      }
      return try elements.map {
        guard case .integer(let number) = $0, number >= 0 else {
          throw Malformed("'\(key)' of array '\(name.printable)' should hold whole numbers")
        }
        return number
      }
    }
    guard case .string(let typeName)? = members.first(where: { $0.key == "dtype" })?.value else {
      throw Malformed("array '\(name.printable)' has no dtype")
    }
    guard let type = types[typeName] else { throw Malformed("array '\(name.printable)' has unknown dtype '\(typeName.printable)'") }
    let extents = try integers("shape"), offsets = try integers("data_offsets")
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw Malformed("array '\(name.printable)' has data_offsets \(offsets)")
    }
    guard try type.byteCount(extents) == offsets[1] - offsets[0] else {
      throw Malformed("array '\(name.printable)' of shape \(extents) does not take the \(offsets[1] - offsets[0]) bytes it is given")
    }
    return (name, type, Shape(extents), offsets[0], offsets[1])
  }

  /// Writes the arrays: floats as F32, integers as I64.
  static func write(_ archive: WeightArchive, to sink: FileSink) throws {
    var header = "{"
    if !archive.metadata.isEmpty {
      let notes = archive.metadata.sorted { $0.key < $1.key }.map { JSON.quoted($0.key) + ":" + JSON.quoted($0.value) }
      header += "\"__metadata__\":{" + notes.joined(separator: ",") + "},"
    }
    // The widest type first, so that every array is aligned to its elements.
    let ordered = archive.entries.filter(\.array.isInteger) + archive.entries.filter { !$0.array.isInteger }
    var offset = 0
    for (name, array) in ordered {
      let end = offset + array.shape.elementCount * (array.isInteger ? 8 : 4)
      header += "\(JSON.quoted(name)):{\"dtype\":\"\(array.isInteger ? "I64" : "F32")\",\"shape\":\(array.shape.dimensions),"
      header += "\"data_offsets\":[\(offset),\(end)]},"
      offset = end
    }
    if header.hasSuffix(",") { header.removeLast() }
    header += "}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    try withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { try sink.write($0) }
    try sink.write(Array(header.utf8))
    for (_, array) in ordered {
      switch array {
      case .float(let tensor): try tensor.withUnsafeBufferPointer { try sink.write(UnsafeRawBufferPointer($0)) }
      case .integer(let array): try array.values.withUnsafeBytes { try sink.write($0) }
      }
    }
  }
}

extension StoredArray {
  var isInteger: Bool {
    if case .integer = self { return true }
    return false
  }
}
