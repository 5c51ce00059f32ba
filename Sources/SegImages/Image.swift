import Foundation
import SegFiles
import SegKernels

/// A picture of 8-bit red, green and blue, row by row.
public struct Image: Sendable, Hashable {
  public let width: Int
  public let height: Int
  /// height × width × 3 samples.
  public var pixels: [UInt8]

  /// The most pixels that readers accept unless told otherwise: 2²⁷, a square of 11,585.
  public static let defaultPixelLimit = 1 << 27

  /// A picture of given samples. Traps if their number does not fit.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    check(
      width > 0 && height > 0 && pixels.count == width * height * 3, "Image",
      "\(pixels.count) samples do not make \(width)×\(height) pixels of 3")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// A picture of one colour.
  public init(width: Int, height: Int, color: Color = Color(0, 0, 0)) {
    let row = [UInt8]([[color.red, color.green, color.blue]].joined())
    self.init(width: width, height: height, pixels: (0..<(width * height)).flatMap { _ in row })
  }

  /// Reads a PNG or a JPEG, whichever the file is. Palettes, grey and 16-bit samples become 8-bit colours, alpha is
  /// dropped, and the orientation that a camera noted in a JPEG is applied.
  ///
  /// - Parameter maximumPixels: files that promise more are refused before any memory is taken.
  /// - Throws: `FileError`.
  public init(contentsOf url: URL, maximumPixels: Int = defaultPixelLimit) throws {
    try self.init(bytes: readBytes(url), path: url.relativePath, maximumPixels: maximumPixels)
  }

  /// Reads the bytes of a PNG or a JPEG; `path` names them in errors.
  public init(bytes: [UInt8], path: String, maximumPixels: Int = defaultPixelLimit) throws {
    if PNG.isPNG(bytes) {
      self = try PNG(bytes, path: path, maximumPixels: maximumPixels).colors()
    } else if JPEG.isJPEG(bytes) {
      self = try JPEG.decode(bytes, path: path, maximumPixels: maximumPixels)
    } else {
      throw FileError(path: path, problem: "expected a PNG or a JPEG, found neither's signature")
    }
  }
}

/// A colour of 8-bit red, green and blue.
public struct Color: Sendable, Hashable, Codable {
  public let red: UInt8, green: UInt8, blue: UInt8

  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }
}

/// The bytes of a file.
func readBytes(_ url: URL) throws -> [UInt8] {
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: url.relativePath, isDirectory: &isFolder) else {
    throw FileError(path: url.relativePath, kind: .missing, problem: "expected an image, found no such file")
  }
  guard !isFolder.boolValue else {
    throw FileError(path: url.relativePath, kind: .missing, problem: "expected an image, found a folder")
  }
  guard let data = try? Data(contentsOf: url) else {
    throw FileError(path: url.relativePath, kind: .missing, problem: "cannot be read")
  }
  return [UInt8](data)
}

/// Whether a header's size is acceptable.
func checkSize(_ width: Int, _ height: Int, path: String, maximumPixels: Int) throws {
  guard width > 0, height > 0, width <= maximumPixels / height else {
    throw FileError(path: path, problem: "expected 1 to \(maximumPixels) pixels, found \(width)×\(height)")
  }
}
