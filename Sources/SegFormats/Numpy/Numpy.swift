import SegFiles
import SegKernels

/// NumPy's array files: `.npy` holds one array, `.npz` is a zip archive of such files.
enum Numpy {
  /// Reads the bytes of one `.npy` file.
  static func readArray(_ file: ByteRegion) throws -> WeightArray {
    var cursor = ByteCursor(file)
    let header = try NumpyHeader(&cursor)
    let data = file.slice(from: cursor.offset, count: cursor.remaining)
    if !header.isFortranOrder || header.shape.count < 2 {
      return try StoredElements(header.type, data, shape: header.shape, isBigEndian: header.isBigEndian).array()
    }
    // First axis contiguous: the row-major strides of the reversed shape, reversed. The reversed array is made for the
    // check of its size.
    let reversed = Array(header.shape.reversed())
    _ = try StoredElements(header.type, data, shape: reversed)
    return try StoredElements(
      header.type, data, shape: header.shape, strides: Shape(reversed).strides.reversed(), offset: 0,
      isBigEndian: header.isBigEndian
    ).array()
  }

  /// Reads the members of a `.npz` archive; their names lose the ending `.npy`.
  static func readArchive(_ zip: ZipArchive) throws -> WeightArchive {
    var archive = WeightArchive()
    for member in zip.members {
      let contents = try member.contents()
      do {
        try archive.add(String(member.name.dropLast(4)), readArray(contents))
      } catch let error as Malformed {
        throw Malformed("member \(member.name.quoted): \(error.problem)")
      }
    }
    return archive
  }

  /// Writes one array as `.npy`: `<f4` or `<i8`.
  static func write(_ array: WeightArray, to sink: FileSink) throws {
    try withParts(array) { head, body in
      try sink.write(head)
      try sink.write(body)
    }
  }

  /// Writes arrays as `.npz`, stored.
  static func write(_ archive: WeightArchive, to sink: FileSink) throws {
    var zip = ZipWriter(sink)
    for entry in archive.entries {
      try withParts(entry.array) { try zip.add(entry.name + ".npy", $0, $1) }
    }
    try zip.finish()
  }

  private static func withParts(_ array: WeightArray, _ body: ([UInt8], UnsafeRawBufferPointer) throws -> Void) throws {
    let shape = array.shape.dimensions
    switch array {
    case .float(let tensor):
      let head = try NumpyHeader.bytes(type: "<f4", shape: shape)
      try tensor.withUnsafeBufferPointer { try body(head, UnsafeRawBufferPointer($0)) }
    case .integer(let array):
      let head = try NumpyHeader.bytes(type: "<i8", shape: shape)
      try array.values.withUnsafeBytes { try body(head, $0) }
    }
  }
}
