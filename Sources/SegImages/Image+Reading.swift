import Foundation
import SegFiles

extension Image {
  /// The number of pixels that readers accept unless told otherwise: 2²⁷, some 400 MB of RGB.
  public static let defaultMaximumPixels = 1 << 27

  /// Reads a PNG or JPEG file, told apart by content.
  ///
  /// Grey, palette, 16-bit and CMYK pictures become 8-bit RGB; an alpha channel is dropped without compositing; the
  /// EXIF orientation of a JPEG is applied. Throws `FileError`; the header is checked against `maximumPixels` before
  /// memory for the picture is allocated.
  public init(contentsOf url: URL, maximumPixels: Int = Image.defaultMaximumPixels) throws {
    try self.init(data: try readFile(at: url), name: url.relativePath, maximumPixels: maximumPixels)
  }

  /// Reads a PNG or JPEG picture in memory; `name` is what errors call it.
  public init(data: [UInt8], name: String = "image", maximumPixels: Int = Image.defaultMaximumPixels) throws {
    switch PictureFormat(of: data) {
    case .png: self = try PNGDecoder(data, name: name, maximumPixels: maximumPixels).image()
    case .jpeg: self = try decodeJPEG(data, name: name, maximumPixels: maximumPixels)
    case nil: throw FileError.unknownFormat(file: name)
    }
  }
}

/// The formats read here, told by their first bytes.
enum PictureFormat {
  case png, jpeg

  init?(of data: [UInt8]) {
    if data.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if data.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else {
      return nil
    }
  }
}

/// Throws unless `width` x `height` is a picture of at most `limit` pixels.
func checkSize(width: Int, height: Int, limit: Int, name: String, format: String) throws {
  guard width > 0, height > 0 else {
    throw FileError.damaged(file: name, format: format, reason: "the header says \(width)x\(height) pixels")
  }
  let (area, overflow) = width.multipliedReportingOverflow(by: height)
  guard !overflow, area <= limit, area <= Int.max / 8 else {
    throw FileError.tooLarge(file: name, width: width, height: height, limit: limit)
  }
}
