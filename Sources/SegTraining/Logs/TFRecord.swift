/// The framing of TensorFlow's record files: length, checksum of the length, contents, checksum of the contents.
///
/// Numbers are little-endian; a checksum c is stored as (c rotated right by 15 bits) + 0xA282EAD8.
package enum TFRecord {
  /// A record of these contents.
  package static func framed(_ contents: [UInt8]) -> [UInt8] {
    let length = UInt64(contents.count).bytes
    return length + masked(crc32c(length)).bytes + contents + masked(crc32c(contents)).bytes
  }

  /// The contents of a file's records, up to the first that is cut off or damaged.
  package static func contents(of file: [UInt8]) -> [[UInt8]] {
    var records: [[UInt8]] = [], place = 0
    while file.count - place >= 16 {
      let length = file[place..<(place + 8)]
      guard masked(crc32c(length)).bytes.elementsEqual(file[(place + 8)..<(place + 12)]) else { break }
      // 16 bytes around the contents.
      guard let count = Int(exactly: UInt64(bytes: length)), count <= file.count - place - 16 else { break }
      let contents = file[(place + 12)..<(place + 12 + count)]
      guard masked(crc32c(contents)).bytes.elementsEqual(file[(place + 12 + count)..<(place + 16 + count)]) else {
        break
      }
      records.append([UInt8](contents))
      place += 16 + count
    }
    return records
  }

  private static func masked(_ checksum: UInt32) -> UInt32 {
    (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }
}

extension FixedWidthInteger {
  /// The bytes, the lowest first.
  var bytes: [UInt8] { (0..<(Self.bitWidth / 8)).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) } }

  /// The number of these bytes, the lowest first.
  init(bytes: some Collection<UInt8>) {
    self = bytes.enumerated().reduce(0) { $0 | Self(truncatingIfNeeded: $1.element) << ($1.offset * 8) }
  }
}
