import CZlib
import SegFiles

/// Writes a zip archive of stored members, one after the other: what `numpy.load` reads as .npz.
struct ZipWriter {
  private let sink: FileSink
  private var offset = 0
  private var directory: [UInt8] = []
  private var count = 0

  init(_ sink: FileSink) { self.sink = sink }

  /// Appends a member.
  mutating func add(_ name: String, _ contents: [UInt8]) throws {
    let name = Array(name.utf8)
    guard contents.count < 0xFFFF_FFFF, offset < 0xFFFF_FFFF else { throw Malformed("an .npz of more than 4 GB") }
    let sum = UInt32(truncatingIfNeeded: crc32(0, contents, UInt32(contents.count)))
    // Version 2.0, no flags, stored, 1 January 1980: the same bytes at any time.
    let common = bytes(20, 2) + bytes(0, 2) + bytes(0, 2) + bytes(0, 2) + bytes(0x21, 2) + bytes(Int(sum), 4)
      + bytes(contents.count, 4) + bytes(contents.count, 4) + bytes(name.count, 2) + bytes(0, 2)
    directory += bytes(0x0201_4B50, 4) + bytes(20, 2) + common + bytes(0, 2) + bytes(0, 2) + bytes(0, 2) + bytes(0, 4)
      + bytes(offset, 4) + name
    let header = bytes(0x0403_4B50, 4) + common + name
    try sink.write(header)
    try sink.write(contents)
    offset += header.count + contents.count
    count += 1
  }

  /// Writes the directory.
  func finish() throws {
    try sink.write(directory)
    try sink.write(
      bytes(0x0605_4B50, 4) + bytes(0, 4) + bytes(count, 2) + bytes(count, 2) + bytes(directory.count, 4)
        + bytes(offset, 4) + bytes(0, 2))
  }

  private func bytes(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
}
