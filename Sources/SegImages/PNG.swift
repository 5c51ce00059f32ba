import CPNG
import Foundation
import SegFiles
import SegKernels

/// A PNG in memory: its header has been read and its size accepted.
struct PNG {
  private let bytes: [UInt8]
  private let path: String
  private let info: SKPNGInfo

  static func isPNG(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) }

  init(_ bytes: [UInt8], path: String, maximumPixels: Int) throws {
    self.bytes = bytes
    self.path = path
    info = try PNG.read(bytes, path: path, asRGB: false, into: nil)
    try checkSize(Int(info.width), Int(info.height), path: path, maximumPixels: maximumPixels)
  }

  /// The picture as 8-bit RGB.
  func colors() throws -> Image {
    let count = Int(info.width) * Int(info.height) * 3
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      _ = try PNG.read(bytes, path: path, asRGB: true, into: buffer.baseAddress)
      filled = count
    }
    return Image(width: Int(info.width), height: Int(info.height), pixels: pixels)
  }

  /// Grey samples or palette indices as they are.
  func labels() throws -> Labels {
    let type = Int32(info.colorType)
    guard type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_PALETTE else {
      throw FileError(
        path: path, problem: "expected labels, one grey sample or palette index a pixel; found \(info.channels) samples a pixel")
    }
    let shape: Shape = [Int(info.height), Int(info.width)]
    let raw = try [UInt8](unsafeUninitializedCapacity: shape.elementCount * Int(info.sampleBytes)) { buffer, filled in
      _ = try PNG.read(bytes, path: path, asRGB: false, into: buffer.baseAddress)
      filled = buffer.count
    }
    return Labels(uninitialized: shape) { labels in
      if info.sampleBytes == 1 {
        for i in labels.indices { labels[i] = Int32(raw[i]) }
      } else {
        raw.withUnsafeBytes { raw in
          for i in labels.indices { labels[i] = Int32(raw.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)) }
        }
      }
    }
  }

  /// Encodes samples of one or three bytes, or one of two, a pixel.
  static func encode(
    _ samples: UnsafeRawBufferPointer, width: Int, height: Int, channels: Int, sampleBytes: Int, palette: [Color]? = nil
  ) throws -> [UInt8] {
    let type = palette != nil ? PNG_COLOR_TYPE_PALETTE : (channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY)
    var info = SKPNGInfo(
      width: UInt32(width), height: UInt32(height), bitDepth: Int32(8 * sampleBytes), colorType: Int32(type),
      channels: Int32(channels), sampleBytes: Int32(sampleBytes))
    let colors = palette?.flatMap { [$0.red, $0.green, $0.blue] }
    var result: UnsafeMutablePointer<UInt8>?
    var count = 0
    var message = [CChar](repeating: 0, count: 160)
    let status = sk_png_encode(
      samples.bindMemory(to: UInt8.self).baseAddress, &info, colors, Int32(palette?.count ?? 0), &result, &count, &message)
    defer { free(result) }
    guard status == 0 else { throw FileError(path: "PNG", kind: .unwritable, problem: text(message)) }
    return Array(UnsafeBufferPointer(start: result, count: count))
  }

  private static func read(
    _ bytes: [UInt8], path: String, asRGB: Bool, into pixels: UnsafeMutablePointer<UInt8>?
  ) throws -> SKPNGInfo {
    var info = SKPNGInfo()
    var message = [CChar](repeating: 0, count: 160)
    let status = sk_png_decode(bytes, bytes.count, asRGB ? 1 : 0, pixels, &info, &message)
    guard status == 0 else { throw FileError(path: path, problem: "expected a sound PNG, found: \(text(message))") }
    return info
  }

  private static func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension Labels {
  /// Reads labels H×W from a PNG of one sample a pixel: grey values of 1 to 16 bits, or palette indices.
  ///
  /// - Throws: `FileError`.
  public init(contentsOf url: URL, maximumPixels: Int = Image.defaultPixelLimit) throws {
    let bytes = try readBytes(url)
    guard PNG.isPNG(bytes) else { throw FileError(path: url.relativePath, problem: "expected labels in a PNG, found no PNG") }
    self = try PNG(bytes, path: url.relativePath, maximumPixels: maximumPixels).labels()
  }

  /// Writes labels H×W of 0…255 as a PNG of palette indices; the file appears only when complete.
  public func writePNG(to url: URL, palette: [Color], overwrite: Bool = false) throws {
    check(shape.rank == 2, "Labels.writePNG", "expected H×W, found shape \(shape)")
    check(values.allSatisfy { (0...255).contains($0) }, "Labels.writePNG", "labels must lie in 0…255")
    // Every index needs a colour; those without one are black.
    let colors = (0..<256).map { $0 < palette.count ? palette[$0] : Color(0, 0, 0) }
    try write(values.map { UInt8($0) }, to: url, palette: colors, overwrite: overwrite)
  }

  /// Writes labels H×W as grey samples: 8 bits where all fit, else 16.
  public func writeGrayPNG(to url: URL, overwrite: Bool = false) throws {
    check(shape.rank == 2, "Labels.writeGrayPNG", "expected H×W, found shape \(shape)")
    check(values.allSatisfy { (0...65535).contains($0) }, "Labels.writeGrayPNG", "labels must lie in 0…65535")
    if values.allSatisfy({ $0 < 256 }) {
      try write(values.map { UInt8($0) }, to: url, palette: nil, overwrite: overwrite)
    } else {
      try write(values.map { UInt16($0) }, to: url, palette: nil, overwrite: overwrite)
    }
  }

  private func write<Sample: FixedWidthInteger>(
    _ samples: [Sample], to url: URL, palette: [Color]?, overwrite: Bool
  ) throws {
    let bytes = try samples.withUnsafeBytes {
      try PNG.encode(
        $0, width: shape[1], height: shape[0], channels: 1, sampleBytes: MemoryLayout<Sample>.size, palette: palette)
    }
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
  }
}

extension Image {
  /// Writes the picture as an 8-bit RGB PNG; the file appears only when complete.
  public func writePNG(to url: URL, overwrite: Bool = false) throws {
    let bytes = try pixels.withUnsafeBytes {
      try PNG.encode($0, width: width, height: height, channels: 3, sampleBytes: 1)
    }
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
  }
}
