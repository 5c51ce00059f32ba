import SegFiles
import SegKernels

/// The safetensors format: a length (64 bits, little-endian), a JSON header of that many bytes, and the tensors' bytes.
///
/// The header maps each name to `{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}`, offsets counted from the
/// end of the header, and may hold texts under `__metadata__`.
enum Safetensors {
  /// The longest header, as the format's own reader has it.
  static let headerLimit = 100_000_000
  static let metadataKey = "__metadata__"
  static let types: [String: ElementType] = [
    "F16": .float16, "BF16": .bfloat16, "F32": .float32, "F64": .float64, "I8": .int8, "I16": .int16, "I32": .int32,
    "I64": .int64, "U8": .uint8, "U16": .uint16, "U32": .uint32, "U64": .uint64, "BOOL": .bool,
  ]

  /// Writes floats as F32 and integers as I64, listed in the archive's order.
  ///
  /// The header is padded with spaces so that the data begin at a multiple of 8, and wide elements' data come first:
  /// thus everything is aligned for whoever maps the file.
  /// - Parameter halves: write floats of two axes and more, the bulk of all weights, as F16.
  static func write(_ archive: WeightArchive, halves: Bool, to sink: FileSink) throws {
    let widths = archive.entries.map { $0.array.elementWidth(halves: halves) }
    var offsets = [Int](repeating: 0, count: archive.entries.count)
    let layout = [8, 4, 2].flatMap { width in widths.indices.filter { widths[$0] == width } }
    func byteCount(_ index: Int) -> Int { archive.entries[index].array.shape.elementCount * widths[index] }
    var end = 0
    for index in layout {
      offsets[index] = end
      end += byteCount(index)
    }

    var members: [String] = []
    if !archive.metadata.isEmpty {
      let texts = archive.metadata.sorted { $0.key < $1.key }.map { JSON.quoted($0.key) + ":" + JSON.quoted($0.value) }
      members.append(JSON.quoted(metadataKey) + ":{" + texts.joined(separator: ",") + "}")
    }
    for (index, entry) in archive.entries.enumerated() {
      guard entry.name != metadataKey else { throw Malformed("a tensor cannot be named \(metadataKey) in safetensors") }
      let shape = entry.array.shape.map(String.init).joined(separator: ",")
      let type = [8: "I64", 4: "F32", 2: "F16"][widths[index]]!
      members.append(
        JSON.quoted(entry.name) + ":{\"dtype\":\"\(type)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offsets[index]),\(offsets[index] + byteCount(index))]}")
    }
    var header = Array(("{" + members.joined(separator: ",") + "}").utf8)
    header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    guard header.count <= headerLimit else {
      throw Malformed("a safetensors header of \(header.count) bytes is needed, more than the \(headerLimit) allowed")
    }

    var length = LittleEndianBytes()
    length.append(UInt64(header.count))
    try sink.write(length.bytes + header)
    for index in layout {
      switch archive.entries[index].array {
      case .float(let tensor) where widths[index] == 2:
        try tensor.scalars.map { Float16($0).bitPattern.littleEndian }.withUnsafeBytes { try sink.write($0) }
      case .float(let tensor): try tensor.withUnsafeBufferPointer { try sink.write(UnsafeRawBufferPointer($0)) }
      case .integer(let array): try array.values.withUnsafeBytes { try sink.write($0) }
      }
    }
  }
}

extension WeightArray {
  /// The bytes that an element takes in the file.
  fileprivate func elementWidth(halves: Bool) -> Int {
    guard case .float(let tensor) = self else { return 8 }
    return halves && tensor.rank >= 2 ? 2 : 4
  }
}
