import CTurboJPEG
import Foundation
import SegFiles
import SegKernels

/// JPEG by TurboJPEG.
enum JPEG {
  static func isJPEG(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0xFF, 0xD8, 0xFF]) }

  /// Decodes to RGB, turned as the camera's orientation note says.
  static func decode(_ bytes: [UInt8], path: String, maximumPixels: Int) throws -> Image {
    guard let decoder = tjInitDecompress() else { throw FileError(path: path, problem: "the JPEG decoder does not start") }
    defer { tjDestroy(decoder) }
    func failure() -> FileError {
      FileError(path: path, problem: "expected a sound JPEG, found: \(String(cString: tjGetErrorStr2(decoder)))")
    }
    var (width, height, sampling, space) = (Int32(0), Int32(0), Int32(0), Int32(0))
    guard tjDecompressHeader3(decoder, bytes, UInt(bytes.count), &width, &height, &sampling, &space) == 0 else {
      throw failure()
    }
    try checkSize(Int(width), Int(height), path: path, maximumPixels: maximumPixels)
    let isInk = space == TJCS_CMYK.rawValue || space == TJCS_YCCK.rawValue
    let format = isInk ? TJPF_CMYK : TJPF_RGB
    let channels = isInk ? 4 : 3
    let count = Int(width) * Int(height) * channels
    let samples = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      // A truncated file is a warning to the library; here it is an error.
      let flags = TJFLAG_STOPONWARNING | TJFLAG_ACCURATEDCT
      guard
        tjDecompress2(
          decoder, bytes, UInt(bytes.count), buffer.baseAddress, width, 0, height, Int32(format.rawValue), flags) == 0
      else { throw failure() }
      filled = count
    }
    let image = Image(width: Int(width), height: Int(height), pixels: isInk ? colors(fromInks: samples) : samples)
    return image.oriented(EXIF.orientation(bytes))
  }

  /// Adobe's CMYK is stored inverted: 255 is no ink.
  private static func colors(fromInks samples: [UInt8]) -> [UInt8] {
    var pixels = [UInt8]()
    pixels.reserveCapacity(samples.count / 4 * 3)
    for start in stride(from: 0, to: samples.count, by: 4) {
      let black = Int(samples[start + 3])
      for ink in 0..<3 { pixels.append(UInt8(Int(samples[start + ink]) * black / 255)) }
    }
    return pixels
  }
}

/// The one number of a camera's notes that pictures need.
enum EXIF {
  /// The orientation, 1…8; 1 (as it is) where a JPEG says nothing sensible.
  static func orientation(_ bytes: [UInt8]) -> Int {
    var position = 2
    while position + 4 <= bytes.count, bytes[position] == 0xFF {
      let marker = bytes[position + 1]
      let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
      // The image data begin; notes come before.
      if marker == 0xDA || length < 2 { return 1 }
      let segment = bytes[min(position + 4, bytes.count)..<min(position + 2 + length, bytes.count)]
      if marker == 0xE1, segment.starts(with: Array("Exif\0\0".utf8)) {
        return orientation(inTIFF: Array(segment.dropFirst(6))) ?? 1
      }
      position += 2 + length
    }
    return 1
  }

  private static func orientation(inTIFF tiff: [UInt8]) -> Int? {
    guard tiff.count >= 8 else { return nil }
    let isLittle = tiff[0] == 0x49
    func number(_ offset: Int, _ count: Int) -> Int? {
      guard offset >= 0, offset + count <= tiff.count else { return nil }
      let field = tiff[offset..<(offset + count)]
      return (isLittle ? Array(field.reversed()) : Array(field)).reduce(0) { $0 << 8 | Int($1) }
    }
    guard let directory = number(4, 4), let entries = number(directory, 2) else { return nil }
    for entry in 0..<entries {
      let offset = directory + 2 + 12 * entry
      guard let tag = number(offset, 2) else { return nil }
      if tag == 0x0112, let value = number(offset + 8, 2) { return (1...8).contains(value) ? value : nil }
    }
    return nil
  }
}

extension Image {
  /// The picture turned and mirrored so that orientation note `orientation` (EXIF 1…8) becomes 1.
  func oriented(_ orientation: Int) -> Image {
    guard orientation > 1 else { return self }
    let isTurned = orientation >= 5
    var result = Image(width: isTurned ? height : width, height: isTurned ? width : height)
    for y in 0..<result.height {
      for x in 0..<result.width {
        let (u, v) = isTurned ? (y, x) : (x, y)
        let column = [2, 3, 7, 8].contains(orientation) ? width - 1 - u : u
        let row = [3, 4, 6, 7].contains(orientation) ? height - 1 - v : v
        for channel in 0..<3 {
          result.pixels[3 * (y * result.width + x) + channel] = pixels[3 * (row * width + column) + channel]
        }
      }
    }
    return result
  }

  /// Writes the picture as a JPEG; the file appears only when complete.
  ///
  /// - Parameter quality: 1…100.
  public func writeJPEG(to url: URL, quality: Int = 92, overwrite: Bool = false) throws {
    guard let encoder = tjInitCompress() else {
      throw FileError(path: url.relativePath, kind: .unwritable, problem: "the JPEG encoder does not start")
    }
    defer { tjDestroy(encoder) }
    var result: UnsafeMutablePointer<UInt8>?
    var count = UInt(0)
    defer { tjFree(result) }
    let status = tjCompress2(
      encoder, pixels, Int32(width), 0, Int32(height), Int32(TJPF_RGB.rawValue), &result, &count,
      Int32(TJSAMP_420.rawValue), Int32(quality), 0)
    guard status == 0 else {
      throw FileError(path: url.relativePath, kind: .unwritable, problem: String(cString: tjGetErrorStr2(encoder)))
    }
    let bytes = UnsafeRawBufferPointer(start: result, count: Int(count))
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
  }
}
