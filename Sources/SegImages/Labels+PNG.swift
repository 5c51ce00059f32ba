import Foundation
import SegFiles
import SegKernels

extension Labels {
  /// Reads an annotation: the samples of a palette or grey PNG as they are stored, of shape [H, W].
  ///
  /// Palette indices stay indices, and grey values of 1 to 16 bits keep their numbers (nothing is scaled). Throws
  /// `FileError`; pictures of several channels are refused, since they hold colours, not labels.
  public init(contentsOf url: URL, maximumPixels: Int = Image.defaultMaximumPixels) throws {
    try self.init(data: try readFile(at: url), name: url.relativePath, maximumPixels: maximumPixels)
  }

  /// Reads an annotation in memory; `name` is what errors call it.
  public init(data: [UInt8], name: String = "labels", maximumPixels: Int = Image.defaultMaximumPixels) throws {
    switch PictureFormat(of: data) {
    case .png: self = try PNGDecoder(data, name: name, maximumPixels: maximumPixels).labels()
    case .jpeg:
      throw FileError.unsupported(
        file: name, reason: "expected labels as a grey or palette PNG, found a JPEG, which does not keep numbers exact")
    case nil: throw FileError.unknownFormat(file: name)
    }
  }

  /// Writes an 8-bit palette PNG: every pixel the label itself, shown in the palette's colour.
  ///
  /// Labels `[H, W]` or `[1, H, W]`. Throws `FileError` if a label is outside 0...255. Labels beyond the palette
  /// are shown black. The file appears complete or not at all.
  public func writeIndexedPNG(to url: URL, palette: Palette, overwrite: Bool = false) throws {
    let colors = (0..<256).map { palette.color(of: Int32($0)) ?? .black }
    let samples = try samples(UInt8.self, name: url.relativePath)
    try write(samples, colors: colors, to: url, overwrite: overwrite)
  }

  /// Writes an 8-bit grey PNG of the labels themselves. Throws `FileError` if one is outside 0...255.
  public func writeGray8PNG(to url: URL, overwrite: Bool = false) throws {
    try write(try samples(UInt8.self, name: url.relativePath), to: url, overwrite: overwrite)
  }

  /// Writes a 16-bit grey PNG of the labels themselves. Throws `FileError` if one is outside 0...65535.
  public func writeGray16PNG(to url: URL, overwrite: Bool = false) throws {
    try write(try samples(UInt16.self, name: url.relativePath), to: url, overwrite: overwrite)
  }

  private func write<Sample: FixedWidthInteger>(
    _ samples: [Sample], colors: [RGB] = [], to url: URL, overwrite: Bool
  ) throws {
    let (height, width) = pictureSize(for: "Labels.writePNG")
    let bytes = try encodePNG(
      samples, width: width, height: height, channels: 1, colors: colors, name: url.relativePath)
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
  }

  private func samples<Sample: FixedWidthInteger & UnsignedInteger>(_: Sample.Type, name: String) throws -> [Sample] {
    try values.map { value in
      guard let sample = Sample(exactly: value) else {
        throw FileError.unencodable(file: name, reason: "expected labels of 0...\(Sample.max), found \(value)")
      }
      return sample
    }
  }

  /// The rows and columns of labels `[H, W]` or `[1, H, W]`; traps on other shapes.
  package func pictureSize(for operation: String) -> (height: Int, width: Int) {
    check(
      shape.rank == 2 || shape.rank == 3 && shape[0] == 1, operation, "expected labels H×W or 1×H×W, found \(shape)")
    return (shape[-2], shape[-1])
  }
}
