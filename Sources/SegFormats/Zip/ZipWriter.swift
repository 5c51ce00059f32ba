import SegFiles

/// Writes a zip archive of stored members, front to back.
///
/// All sizes go to ZIP64 fields, as NumPy does it: one path for archives of any size, which small tests cover too.
struct ZipWriter {
  private let sink: FileSink
  private var offset = 0
  private var directory: [UInt8] = []
  private var count = 0

  init(_ sink: FileSink) { self.sink = sink }

  /// Adds a member whose contents are two runs of bytes.
  mutating func add(_ name: String, _ head: [UInt8], _ body: UnsafeRawBufferPointer) throws {
    let crc = Zlib.checksum(body, after: head.withUnsafeBytes { Zlib.checksum($0) })
    let size = head.count + body.count
    guard let nameCount = UInt16(exactly: name.utf8.count), ZipRecord.isPlain(name) else {
      throw Malformed("\(name.printable.quoted) cannot be the name of a member of a zip archive")
    }

    // What the local header and the directory share: version 4.5 (ZIP64), UTF-8 names, stored, 1 January 1980.
    var common = LittleEndianBytes()
    common.append(
      UInt16(45), UInt16(0x0800), UInt16(0), UInt16(0), UInt16(0x0021), crc, UInt32.max, UInt32.max, nameCount)

    var header = LittleEndianBytes()
    header.append(UInt32(0x0403_4B50))
    header.bytes += common.bytes
    header.append(UInt16(20))
    header.bytes += Array(name.utf8)
    header.append(UInt16(1), UInt16(16), UInt64(size), UInt64(size))
    try sink.write(header.bytes)
    try sink.write(head)
    try sink.write(body)

    var entry = LittleEndianBytes()
    entry.append(UInt32(0x0201_4B50), UInt16(45))
    entry.bytes += common.bytes
    entry.append(UInt16(28), UInt16(0), UInt16(0), UInt16(0), UInt32(0), UInt32.max)
    entry.bytes += Array(name.utf8)
    entry.append(UInt16(1), UInt16(24), UInt64(size), UInt64(size), UInt64(offset))
    directory += entry.bytes
    offset += header.bytes.count + size
    count += 1
  }

  /// Writes the directory.
  func finish() throws {
    var end = LittleEndianBytes()
    end.append(UInt32(0x0606_4B50), UInt64(44), UInt16(45), UInt16(45), UInt32(0), UInt32(0))
    end.append(UInt64(count), UInt64(count), UInt64(directory.count), UInt64(offset))
    end.append(UInt32(0x0706_4B50), UInt32(0), UInt64(offset + directory.count), UInt32(1))
    end.append(UInt32(0x0605_4B50), UInt16(0), UInt16(0), UInt16.max, UInt16.max, UInt32.max, UInt32.max, UInt16(0))
    try sink.write(directory)
    try sink.write(end.bytes)
  }
}

/// Bytes put together from integers.
struct LittleEndianBytes {
  var bytes: [UInt8] = []

  mutating func append<each T: FixedWidthInteger>(_ values: repeat each T) {
    func add(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }
    repeat add(each values)
  }
}
