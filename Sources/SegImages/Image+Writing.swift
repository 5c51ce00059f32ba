import Foundation
import SegFiles
import SegKernels

extension Image {
  /// Writes an RGB PNG. The file appears complete or not at all; throws `FileError`.
  public func writePNG(to url: URL, overwrite: Bool = false) throws {
    let bytes = try encodePNG(pixels, width: width, height: height, channels: 3, name: url.relativePath)
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
  }

  /// Writes a JPEG of quality 1 to 100, with full colour resolution. The file appears complete or not at all; throws
  /// `FileError`.
  public func writeJPEG(to url: URL, quality: Int = 95, overwrite: Bool = false) throws {
    check((1...100).contains(quality), "Image.writeJPEG", "expected a quality of 1...100, found \(quality)")
    let bytes = try encodeJPEG(self, quality: quality, name: url.relativePath)
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
  }
}
