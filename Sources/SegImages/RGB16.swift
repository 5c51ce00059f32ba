import Foundation
import SegFiles

/// Three 16-bit numbers a pixel, as PNG keeps them: what KITTI stores optical flow in.
package struct RGB16: Sendable, Hashable {
  /// Columns and rows.
  package let width, height: Int
  /// `3 * width * height` samples, interleaved.
  package let samples: [UInt16]

  package init(width: Int, height: Int, samples: [UInt16]) {
    self.width = width
    self.height = height
    self.samples = samples
  }

  /// Reads a 16-bit RGB PNG; nothing is scaled. Throws `FileError`.
  package init(contentsOf url: URL, maximumPixels: Int = Image.defaultMaximumPixels) throws {
    try self.init(data: try readFile(at: url), name: url.relativePath, maximumPixels: maximumPixels)
  }

  /// Reads a 16-bit RGB PNG in memory; `name` is what errors call it.
  package init(data: [UInt8], name: String, maximumPixels: Int = Image.defaultMaximumPixels) throws {
    guard PictureFormat(of: data) == .png else {
      throw FileError.unsupported(file: name, reason: "expected a PNG of 16-bit RGB samples, found other content")
    }
    self = try PNGDecoder(data, name: name, maximumPixels: maximumPixels).rgb16()
  }

  /// Writes a 16-bit RGB PNG. The file appears complete or not at all.
  package func writePNG(to url: URL, overwrite: Bool = false) throws {
    let bytes = try encodePNG(samples, width: width, height: height, channels: 3, name: url.relativePath)
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
  }
}
