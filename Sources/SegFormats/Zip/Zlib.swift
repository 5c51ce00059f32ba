import CZlib

/// The two things that zip archives need of zlib.
package enum Zlib {
  /// The CRC-32 of some bytes, continuing from that of the bytes before.
  package static func checksum(_ bytes: UnsafeRawBufferPointer, after crc: UInt32 = 0) -> UInt32 {
    UInt32(truncatingIfNeeded: crc32_z(UInt(crc), bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
  }

  /// Unpacks a raw deflate stream that must yield exactly `count` bytes and end with the input.
  static func inflated(_ packed: ByteRegion, count: Int) throws -> ByteRegion {
    // Deflate shrinks no more than 1032 times: a larger claim is a lie, refused before memory is set aside for it.
    guard count / 1032 <= packed.count else {
      throw Malformed("claims to unpack \(packed.count) bytes to \(count), more than deflate can")
    }
    let memory = HeapBytes(count: count)
    var stream = z_stream()
    guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw Malformed("zlib could not be started")
    }
    defer { inflateEnd(&stream) }
    let complete = packed.withBytes { input in
      stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
      stream.next_out = memory.bytes.bindMemory(to: UInt8.self).baseAddress
      // zlib counts in 32 bits, so large members go in pieces.
      var (unread, unwritten) = (input.count, count)
      while true {
        let (offered, room) = (UInt32(clamping: unread), UInt32(clamping: unwritten))
        (stream.avail_in, stream.avail_out) = (offered, room)
        let status = inflate(&stream, Z_NO_FLUSH)
        unread -= Int(offered - stream.avail_in)
        unwritten -= Int(room - stream.avail_out)
        if status == Z_STREAM_END { return unread == 0 && unwritten == 0 }
        if status != Z_OK || (stream.avail_in == offered && stream.avail_out == room) { return false }
      }
    }
    guard complete else { throw Malformed("its deflate stream is damaged, or not of the \(count) bytes stated") }
    return ByteRegion(memory)
  }
}
