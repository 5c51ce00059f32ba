import Foundation
import SegFiles
import SegKernels

extension Image {
  /// Writes an RGB PNG. The file appears complete or not at all; throws `FileError`.
  public func writePNG(to url: URL, overwrite: Bool = false) throws {
    let bytes = try png(name: url.relativePath)
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
  }

  /// The bytes of an RGB PNG file; `name` is what errors call it.
  public func png(name: String = "image") throws -> [UInt8] {
    try encodePNG(pixels, width: width, height: height, channels: 3, name: name)
  }

  /// Writes a JPEG of quality 1 to 100, with full colour resolution. The file appears complete or not at all; throws
  /// `FileError`.
  public func writeJPEG(to url: URL, quality: Int = 95, overwrite: Bool = false) throws {
    let bytes = try jpeg(quality: quality, name: url.relativePath)
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
  }

  /// The bytes of a JPEG file of quality 1 to 100; `name` is what errors call it.
  public func jpeg(quality: Int, name: String = "image") throws -> [UInt8] {
    check((1...100).contains(quality), "Image.jpeg", "expected a quality of 1...100, found \(quality)")
    return try encodeJPEG(self, quality: quality, name: name)
  }
}
