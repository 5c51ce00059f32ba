import CPNG
import SegFiles
import SegKernels

/// A PNG file in memory whose header was read and found to be within limits.
struct PNGDecoder {
  private let data: [UInt8]
  private let name: String
  private let header: cpng_header

  init(_ data: [UInt8], name: String, maximumPixels: Int) throws {
    var header = cpng_header()
    try callingPNG(name) { cpng_read_header(data, data.count, &header, $0) }
    try checkSize(
      width: Int(header.width), height: Int(header.height), limit: maximumPixels, name: name, format: "PNG")
    self.data = data
    self.name = name
    self.header = header
  }

  private var width: Int { Int(header.width) }
  private var height: Int { Int(header.height) }

  /// The picture as 8-bit RGB.
  func image() throws -> Image {
    try Image(uninitializedWidth: width, height: height) {
      try decode(as: cpng_rgb8, into: UnsafeMutableRawBufferPointer($0))
    }
  }

  /// The samples as they are stored: palette indices or grey values, of shape [H, W].
  func labels() throws -> Labels {
    guard header.color_type == PNG_COLOR_TYPE_PALETTE || header.color_type == PNG_COLOR_TYPE_GRAY else {
      throw FileError.unsupported(
        file: name, reason: "expected one label a pixel (a grey or palette PNG), found a PNG of \(colorName) pixels")
    }
    let shape: Shape = [height, width]
    return header.bit_depth == 16
      ? try labels(shape, UInt16.self, as: cpng_samples16) : try labels(shape, UInt8.self, as: cpng_samples8)
  }

  /// The samples of a 16-bit RGB file as they are stored, three a pixel: numbers, not colours.
  func rgb16() throws -> RGB16 {
    guard header.color_type == PNG_COLOR_TYPE_RGB, header.bit_depth == 16 else {
      throw FileError.unsupported(
        file: name,
        reason: "expected a PNG of 16-bit RGB samples, found \(header.bit_depth)-bit \(colorName) pixels")
    }
    return RGB16(width: width, height: height, samples: try samples(3 * width * height, as: cpng_samples16))
  }

  private func labels<Sample: FixedWidthInteger>(_ shape: Shape, _: Sample.Type, as form: cpng_form) throws -> Labels {
    let samples: [Sample] = try samples(shape.elementCount, as: form)
    return Labels(uninitialized: shape) { target in
      samples.withUnsafeBufferPointer { source in
        for index in source.indices { target[index] = Int32(truncatingIfNeeded: source[index]) }
      }
    }
  }

  private func samples<Sample: FixedWidthInteger>(_ count: Int, as form: cpng_form) throws -> [Sample] {
    try [Sample](unsafeUninitializedCapacity: count) { buffer, initialized in
      try decode(
        as: form, into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count])))
      initialized = count
    }
  }

  private func decode(as form: cpng_form, into target: UnsafeMutableRawBufferPointer) throws {
    try callingPNG(name) { cpng_decode(data, data.count, form, target.baseAddress, target.count, $0) }
  }

  private var colorName: String {
    switch header.color_type {
    case PNG_COLOR_TYPE_GRAY: "grey"
    case PNG_COLOR_TYPE_PALETTE: "palette"
    case PNG_COLOR_TYPE_GRAY_ALPHA: "grey and alpha"
    case PNG_COLOR_TYPE_RGB_ALPHA: "RGBA"
    default: "RGB"
    }
  }
}

/// Calls a function of the C shim, and throws its message where it fails.
private func callingPNG(_ name: String, _ body: (UnsafeMutablePointer<CChar>) -> Int32) throws {
  try withUnsafeTemporaryAllocation(of: CChar.self, capacity: cpng_message_capacity) { message in
    message.initialize(repeating: 0)
    guard body(message.baseAddress!) != 0 else {
      throw FileError.damaged(file: name, format: "PNG", reason: String(cString: message.baseAddress!))
    }
  }
}
