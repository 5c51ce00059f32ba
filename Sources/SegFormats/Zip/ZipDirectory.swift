import SegFiles

/// Where the central directory of a zip archive lies: read from the end of the file.
struct ZipDirectoryLocation {
  let count: Int
  let size: Int
  let offset: Int

  private static let endSize = 22
  private static let locatorSize = 20

  init(_ file: ByteRegion) throws {
    let end = file.count - ZipDirectoryLocation.endSize
    guard end >= 0, case var record = ByteCursor(file, at: end), try record.integer(UInt32.self, "end") == 0x0605_4B50
    else { throw Malformed("zip archive: expected its end record in the last 22 bytes (truncated?)") }
    let disk = try record.integer(UInt16.self, "disk")
    let directoryDisk = try record.integer(UInt16.self, "disk of the directory")
    let countHere = try record.integer(UInt16.self, "members")
    let shortCount = try record.integer(UInt16.self, "members")
    let shortSize = try record.integer(UInt32.self, "directory size")
    let shortOffset = try record.integer(UInt32.self, "directory offset")
    let comment = try record.integer(UInt16.self, "comment")
    guard disk == 0, directoryDisk == 0, countHere == shortCount, comment == 0 else {
      throw Malformed("zip archive: expected one volume without comment")
    }

    var directoryEnd = end
    if let wide = try WideEnd(file, endingAt: end) {
      // The short fields hold the same values, or all ones.
      guard shortCount == .max || Int(shortCount) == wide.count, shortSize == .max || Int(shortSize) == wide.size,
        shortOffset == .max || Int(shortOffset) == wide.offset
      else { throw Malformed("zip archive: its ZIP64 end record contradicts its end record") }
      (count, size, offset, directoryEnd) = (wide.count, wide.size, wide.offset, wide.start)
    } else {
      guard shortCount != .max, shortSize != .max, shortOffset != .max else {
        throw Malformed("zip archive: its ZIP64 end record is missing")
      }
      (count, size, offset) = (Int(shortCount), Int(shortSize), Int(shortOffset))
    }
    guard offset <= directoryEnd, size == directoryEnd - offset, count <= size / ZipRecord.smallestSize else {
      throw Malformed(
        "zip archive: a directory of \(count) members in \(size) bytes at \(offset) does not fit the file, "
          + "whose directory ends at \(directoryEnd)")
    }
  }

  /// The ZIP64 end record.
  private struct WideEnd {
    let start: Int
    let count: Int
    let size: Int
    let offset: Int

    /// `nil` if no locator precedes the end record.
    init?(_ file: ByteRegion, endingAt end: Int) throws {
      let locatorStart = end - ZipDirectoryLocation.locatorSize
      guard locatorStart >= 0 else { return nil }
      var locator = ByteCursor(file, at: locatorStart)
      guard try locator.integer(UInt32.self, "locator") == 0x0706_4B50 else { return nil }
      _ = try locator.integer(UInt32.self, "disk")
      start = try locator.size(UInt64.self, "zip archive: offset of its ZIP64 end record")
      guard start <= locatorStart - 56, case var record = ByteCursor(file, at: start),
        try record.integer(UInt32.self, "ZIP64 end") == 0x0606_4B50,
        try record.size(UInt64.self, "zip archive: size of its ZIP64 end record") == locatorStart - start - 12
      else { throw Malformed("zip archive: its ZIP64 end record is not at offset \(start), as stated") }
      _ = try record.bytes(12, "versions and disks")
      let countHere = try record.size(UInt64.self, "zip archive: number of members")
      count = try record.size(UInt64.self, "zip archive: number of members")
      size = try record.size(UInt64.self, "zip archive: size of its directory")
      offset = try record.size(UInt64.self, "zip archive: offset of its directory")
      guard count == countHere else { throw Malformed("zip archive: expected one volume") }
    }
  }
}

/// One entry of the central directory.
struct ZipRecord {
  static let smallestSize = 46

  let name: String
  let isStored: Bool
  let crc: UInt32
  private let flags: UInt16
  private let method: UInt16
  private(set) var packedSize: Int
  private(set) var size: Int
  private var headerOffset: Int

  init(_ cursor: inout ByteCursor) throws {
    guard try cursor.integer(UInt32.self, "zip directory entry") == 0x0201_4B50 else {
      throw Malformed("zip archive: expected an entry of its directory, found other bytes")
    }
    _ = try cursor.bytes(4, "zip directory entry: versions")
    flags = try cursor.integer(UInt16.self, "zip directory entry: flags")
    method = try cursor.integer(UInt16.self, "zip directory entry: method")
    _ = try cursor.bytes(4, "zip directory entry: time")
    crc = try cursor.integer(UInt32.self, "zip directory entry: CRC-32")
    packedSize = try cursor.size(UInt32.self, "zip directory entry: packed size")
    size = try cursor.size(UInt32.self, "zip directory entry: size")
    let nameCount = try cursor.size(UInt16.self, "zip directory entry: length of the name")
    let extraCount = try cursor.size(UInt16.self, "zip directory entry: length of the extra field")
    let commentCount = try cursor.size(UInt16.self, "zip directory entry: length of the comment")
    _ = try cursor.bytes(8, "zip directory entry: disk and attributes")
    headerOffset = try cursor.size(UInt32.self, "zip directory entry: offset")
    name = try cursor.text(nameCount, "zip directory entry: name")
    let extra = try cursor.bytes(extraCount, "zip directory entry: extra field")
    _ = try cursor.bytes(commentCount, "zip directory entry: comment")
    isStored = method == 0

    guard ZipRecord.isPlain(name) else {
      throw Malformed("zip archive: \(name.quoted) is no plain relative name")
    }
    try readWideFields(extra)
    // Bits 0, 6 and 13: encryption of three kinds; bit 5: patches.
    guard flags & 0x2061 == 0 else { throw Malformed("zip archive: member \(name.quoted) is encrypted or a patch") }
    guard isStored || method == 8 else {
      throw Malformed(
        "zip archive: member \(name.quoted) is packed by method \(method), expected 0 (stored) or 8 (deflate)")
    }
    guard !isStored || packedSize == size else {
      throw Malformed("zip archive: stored member \(name.quoted) claims \(packedSize) bytes packed, \(size) unpacked")
    }
  }

  /// Whether a name is a relative path without steps upwards.
  static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && !name.contains { $0 == "\0" || $0 == "\\" } && !name.hasPrefix("/")
      && !name.split(separator: "/").contains("..")
  }

  /// Takes from the ZIP64 extra field those values that fill their short fields with ones.
  private mutating func readWideFields(_ extra: ByteRegion) throws {
    let isWide = { (value: Int) in value == Int(UInt32.max) }
    guard isWide(size) || isWide(packedSize) || isWide(headerOffset) else { return }
    var cursor = ByteCursor(extra)
    while cursor.remaining > 0 {
      let kind = try cursor.integer(UInt16.self, "zip extra field")
      var field = ByteCursor(try cursor.bytes(cursor.size(UInt16.self, "zip extra field"), "zip extra field"))
      guard kind == 1 else { continue }
      let what = "zip archive: ZIP64 field of \(name.quoted)"
      if isWide(size) { size = try field.size(UInt64.self, what) }
      if isWide(packedSize) { packedSize = try field.size(UInt64.self, what) }
      if isWide(headerOffset) { headerOffset = try field.size(UInt64.self, what) }
      return
    }
    throw Malformed("zip archive: member \(name.quoted) lacks its ZIP64 field")
  }

  /// The bytes that the member takes with its local header, which must agree with this entry.
  func extent(in file: ByteRegion) throws -> Range<Int> {
    let what = "zip archive: header of \(name.quoted)"
    var cursor = ByteCursor(try file.slice(from: headerOffset, count: 30, for: what))
    let signature = try cursor.integer(UInt32.self, what)
    _ = try cursor.bytes(2, what)
    let localFlags = try cursor.integer(UInt16.self, what)
    let localMethod = try cursor.integer(UInt16.self, what)
    _ = try cursor.bytes(8, what)
    let localPackedSize = try cursor.size(UInt32.self, what)
    let localSize = try cursor.size(UInt32.self, what)
    let nameCount = try cursor.size(UInt16.self, what)
    let extraCount = try cursor.size(UInt16.self, what)
    cursor = ByteCursor(file, at: headerOffset + 30)
    let localName = try cursor.text(nameCount, what)
    _ = try cursor.bytes(extraCount, what)
    _ = try cursor.bytes(packedSize, "zip archive: member \(name.quoted)")

    // With flag bit 3 the sizes follow the member, and the header may hold zeros; ones stand for a ZIP64 field.
    let areSizesLater = flags & 8 != 0
    func agrees(_ local: Int, _ central: Int) -> Bool {
      local == central || local == Int(UInt32.max) || (areSizesLater && local == 0)
    }
    guard signature == 0x0403_4B50, localName == name, localMethod == method, localFlags == flags,
      agrees(localPackedSize, packedSize), agrees(localSize, size)
    else { throw Malformed("\(what) contradicts the archive's directory") }
    return headerOffset..<cursor.offset
  }
}
