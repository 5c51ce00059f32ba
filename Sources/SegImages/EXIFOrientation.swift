/// How the camera was held, as tag 0x0112 of a JPEG's EXIF block says: which edges of the picture the first stored
/// row and column are.
enum EXIFOrientation: UInt16 {
  case upright = 1
  case mirroredLeftRight = 2
  case rotated180 = 3
  case mirroredTopBottom = 4
  case transposed = 5
  case needsRotationClockwise = 6
  case transverse = 7
  case needsRotationCounterclockwise = 8

  /// Finds the orientation in a JPEG file; upright where the block is missing or makes no sense.
  init(ofJPEG data: [UInt8]) {
    self = data.withUnsafeBytes { Self.find(in: $0) } ?? .upright
  }

  /// Walks the segments up to the first scan: `FF marker length(2) payload`, the length counting itself.
  private static func find(in bytes: UnsafeRawBufferPointer) -> EXIFOrientation? {
    var position = 2
    while position + 4 <= bytes.count, bytes[position] == 0xFF {
      let marker = bytes[position + 1]
      if marker == 0xFF {  // padding
        position += 1
        continue
      }
      let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
      let end = position + 2 + length
      guard marker != 0xDA, length >= 2, end <= bytes.count else { return nil }
      let payload = UnsafeRawBufferPointer(rebasing: bytes[(position + 4)..<end])
      if marker == 0xE1, payload.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0]) {  // "Exif\0\0"
        return TIFFReader(UnsafeRawBufferPointer(rebasing: payload[6...])).flatMap { tiff in
          tiff.shortValue(ofTag: 0x0112).flatMap(EXIFOrientation.init)
        }
      }
      position = end
    }
    return nil
  }
}

/// Just enough of TIFF to look up a number in the first directory.
private struct TIFFReader {
  private let bytes: UnsafeRawBufferPointer
  private let isLittleEndian: Bool

  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 8 else { return nil }
    if bytes.starts(with: [0x49, 0x49, 42, 0]) {  // "II"
      isLittleEndian = true
    } else if bytes.starts(with: [0x4D, 0x4D, 0, 42]) {  // "MM"
      isLittleEndian = false
    } else {
      return nil
    }
    self.bytes = bytes
  }

  private func short(at offset: Int) -> UInt16? {
    guard offset >= 0, offset <= bytes.count - 2 else { return nil }
    let (first, second) = (UInt16(bytes[offset]), UInt16(bytes[offset + 1]))
    return isLittleEndian ? second << 8 | first : first << 8 | second
  }

  private func long(at offset: Int) -> Int? {
    guard let first = short(at: offset), let second = short(at: offset + 2) else { return nil }
    return isLittleEndian ? Int(second) << 16 | Int(first) : Int(first) << 16 | Int(second)
  }

  /// The value of a tag of type SHORT. Entries are 12 bytes: tag(2) type(2) count(4) value(4).
  func shortValue(ofTag tag: UInt16) -> UInt16? {
    guard let directory = long(at: 4), let entries = short(at: directory) else { return nil }
    for entry in 0..<Int(entries) {
      let offset = directory + 2 + 12 * entry
      guard let found = short(at: offset) else { return nil }
      if found == tag { return short(at: offset + 2) == 3 ? short(at: offset + 8) : nil }
    }
    return nil
  }
}

extension Image {
  /// The picture with the rows and columns where the orientation says that they belong.
  func turnedUpright(from orientation: EXIFOrientation) -> Image {
    let (lastRow, lastColumn) = (height - 1, width - 1)
    // Where the stored pixel (row, column) = origin + (rowStep * r + columnStep * c) comes from, in stored pixels.
    let swapsAxes = orientation.rawValue >= 5
    let (startsAtBottom, startsAtRight): (Bool, Bool)
    switch orientation {
    case .upright: return self
    case .mirroredLeftRight: (startsAtBottom, startsAtRight) = (false, true)
    case .rotated180: (startsAtBottom, startsAtRight) = (true, true)
    case .mirroredTopBottom: (startsAtBottom, startsAtRight) = (true, false)
    case .transposed: (startsAtBottom, startsAtRight) = (false, false)
    case .needsRotationClockwise: (startsAtBottom, startsAtRight) = (true, false)
    case .transverse: (startsAtBottom, startsAtRight) = (true, true)
    case .needsRotationCounterclockwise: (startsAtBottom, startsAtRight) = (false, true)
    }
    let origin = (startsAtBottom ? lastRow * width : 0) + (startsAtRight ? lastColumn : 0)
    let (down, right) = (startsAtBottom ? -width : width, startsAtRight ? -1 : 1)
    let (rowStep, columnStep) = swapsAxes ? (right, down) : (down, right)
    let (newWidth, newHeight) = swapsAxes ? (height, width) : (width, height)
    return Image(uninitializedWidth: newWidth, height: newHeight) { target in
      pixels.withUnsafeBufferPointer { source in
        for row in 0..<newHeight {
          for column in 0..<newWidth {
            let from = 3 * (origin + row * rowStep + column * columnStep)
            let to = 3 * (row * newWidth + column)
            for channel in 0..<3 { target[to + channel] = source[from + channel] }
          }
        }
      }
    }
  }
}
