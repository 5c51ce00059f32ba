import CZlib

/// The members of a zip archive, as torch and numpy write them.
///
/// The central directory is trusted for nothing: every offset and length is checked against the file, and a member's
/// bytes are taken only where a local header agrees.
struct Zip {
  /// A file of the archive.
  struct Member {
    let name: String
    fileprivate let method: UInt16
    fileprivate let compressedSize: Int
    fileprivate let size: Int
    fileprivate let headerOffset: Int
    fileprivate let checksum: UInt32
  }

  let members: [Member]
  private let region: ByteRegion

  /// The most that a compressed member may grow to for each of its bytes; deflate itself cannot exceed 1032.
  private static let growthLimit = 1032

  static func isRecognised(_ region: ByteRegion) -> Bool {
    region.starts(with: [0x50, 0x4B, 3, 4]) || region.starts(with: [0x50, 0x4B, 5, 6])
  }

  init(_ region: ByteRegion) throws {
    self.region = region
    guard let end = Zip.lastRecord(region) else { throw Malformed("a zip archive without its directory (truncated?)") }
    var cursor = ByteCursor(region, at: end + 10)
    var count = Int(try cursor.integer(UInt16.self, "the directory"))
    _ = try cursor.integer(UInt32.self, "the directory")
    var offset = Int(try cursor.integer(UInt32.self, "the directory"))
    if count == 0xFFFF || offset == 0xFFFF_FFFF {
      (count, offset) = try Zip.largeDirectory(region, before: end)
    }
    // An entry takes at least 46 bytes, so a count that the file cannot hold is a lie.
    guard offset <= region.count, count <= (region.count - offset) / 46 else {
      throw Malformed("a zip directory of \(count) entries does not fit the file")
    }
    cursor = ByteCursor(region, at: offset)
    var names: Set<String> = []
    members = try (0..<count).map { _ in
      let member = try Zip.entry(&cursor)
      guard names.insert(member.name).inserted else { throw Malformed("zip member \(member.name) occurs twice") }
      guard !member.name.hasPrefix("/"), !member.name.split(separator: "/").contains("..") else {
        throw Malformed("zip member \(member.name) points outside the archive")
      }
      return member
    }
  }

  /// The member of a name.
  func member(_ name: String) -> Member? { members.first { $0.name == name } }

  /// The contents of a member: in place if it is stored, else inflated.
  func contents(_ member: Member) throws -> ByteRegion {
    var cursor = ByteCursor(region, at: 0)
    cursor = ByteCursor(try region.slice(from: member.headerOffset, count: region.count - member.headerOffset, for: "zip member \(member.name)"))
    guard try cursor.integer(UInt32.self, "a zip header") == 0x0403_4B50 else {
      throw Malformed("zip member \(member.name) has no header where the directory says")
    }
    _ = try cursor.bytes(22, "a zip header")
    let nameLength = Int(try cursor.integer(UInt16.self, "a zip header"))
    let extraLength = Int(try cursor.integer(UInt16.self, "a zip header"))
    _ = try cursor.bytes(nameLength + extraLength, "a zip header")
    let stored = try cursor.bytes(member.compressedSize, "zip member \(member.name)")
    let contents: ByteRegion
    switch member.method {
    case 0:
      guard member.size == member.compressedSize else { throw Malformed("zip member \(member.name) states two sizes") }
      contents = stored
    case 8: contents = try inflate(stored, member)
    default: throw Malformed("zip member \(member.name) is compressed by method \(member.method); expected 0 or 8")
    }
    return contents
  }

  private func inflate(_ stored: ByteRegion, _ member: Member) throws -> ByteRegion {
    guard member.size / Zip.growthLimit <= max(member.compressedSize, 1) else {
      throw Malformed("zip member \(member.name) promises \(member.size) bytes from \(member.compressedSize)")
    }
    let memory = HeapBytes(count: member.size)
    var stream = z_stream()
    // Negative window bits: raw deflate, as zip has it.
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw Malformed("zip member \(member.name) cannot be inflated")
    }
    defer { inflateEnd(&stream) }
    let status = try stored.withBytes { source in
      guard source.count <= UInt32.max, member.size <= UInt32.max else {
        throw Malformed("compressed zip member \(member.name) is larger than 4 GB")
      }
      stream.next_in = UnsafeMutablePointer(mutating: source.bindMemory(to: UInt8.self).baseAddress)
      stream.avail_in = UInt32(source.count)
      stream.next_out = memory.bytes.bindMemory(to: UInt8.self).baseAddress
      stream.avail_out = UInt32(member.size)
      return CZlib.inflate(&stream, Z_FINISH)
    }
    guard status == Z_STREAM_END, stream.avail_out == 0 else {
      throw Malformed("zip member \(member.name) does not inflate to its \(member.size) bytes")
    }
    let sum = crc32(0, memory.bytes.bindMemory(to: UInt8.self).baseAddress, UInt32(member.size))
    guard UInt32(truncatingIfNeeded: sum) == member.checksum else {
      throw Malformed("zip member \(member.name) has the wrong checksum")
    }
    return ByteRegion(memory)
  }

  private static func entry(_ cursor: inout ByteCursor) throws -> Member {
    let what = "the zip directory"
    guard try cursor.integer(UInt32.self, what) == 0x0201_4B50 else { throw Malformed("the zip directory is damaged") }
    _ = try cursor.bytes(6, what)
    let method = try cursor.integer(UInt16.self, what)
    _ = try cursor.bytes(4, what)
    let checksum = try cursor.integer(UInt32.self, what)
    var compressed = Int(try cursor.integer(UInt32.self, what)), size = Int(try cursor.integer(UInt32.self, what))
    let nameLength = Int(try cursor.integer(UInt16.self, what)), extraLength = Int(try cursor.integer(UInt16.self, what))
    let commentLength = Int(try cursor.integer(UInt16.self, what))
    _ = try cursor.bytes(8, what)
    var offset = Int(try cursor.integer(UInt32.self, what))
    let name = try cursor.text(nameLength, "a zip member's name")
    var extra = ByteCursor(try cursor.bytes(extraLength, what))
    _ = try cursor.bytes(commentLength, what)
    while extra.remaining >= 4 {
      let identifier = try extra.integer(UInt16.self, what), length = Int(try extra.integer(UInt16.self, what))
      var field = ByteCursor(try extra.bytes(length, what))
      guard identifier == 1 else { continue }
      // ZIP64: the fields that were too small, in this order.
      if size == 0xFFFF_FFFF { size = try field.size(UInt64.self, what) }
      if compressed == 0xFFFF_FFFF { compressed = try field.size(UInt64.self, what) }
      if offset == 0xFFFF_FFFF { offset = try field.size(UInt64.self, what) }
    }
    return Member(
      name: name, method: method, compressedSize: compressed, size: size, headerOffset: offset, checksum: checksum)
  }

  /// Where the record at the archive's end begins: it is followed by a comment of at most 65535 bytes.
  private static func lastRecord(_ region: ByteRegion) -> Int? {
    region.withBytes { bytes in
      guard bytes.count >= 22 else { return nil }
      let first = max(0, bytes.count - 22 - 0xFFFF)
      return stride(from: bytes.count - 22, through: first, by: -1).first {
        bytes[$0] == 0x50 && bytes[$0 + 1] == 0x4B && bytes[$0 + 2] == 5 && bytes[$0 + 3] == 6
      }
    }
  }

  private static func largeDirectory(_ region: ByteRegion, before end: Int) throws -> (count: Int, offset: Int) {
    let what = "the ZIP64 directory"
    guard end >= 20 else { throw Malformed("the ZIP64 directory is missing") }
    var locator = ByteCursor(region, at: end - 20)
    guard try locator.integer(UInt32.self, what) == 0x0706_4B50 else { throw Malformed("the ZIP64 directory is missing") }
    _ = try locator.integer(UInt32.self, what)
    let place = try locator.size(UInt64.self, what)
    var record = ByteCursor(try region.slice(from: place, count: 56, for: what))
    guard try record.integer(UInt32.self, what) == 0x0606_4B50 else { throw Malformed("the ZIP64 directory is damaged") }
    _ = try record.bytes(28, what)
    let count = try record.size(UInt64.self, what)
    _ = try record.size(UInt64.self, what)
    return (count, try record.size(UInt64.self, what))
  }
}
