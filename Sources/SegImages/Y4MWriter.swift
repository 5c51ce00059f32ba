import Glibc
import SegFiles
import SegKernels

/// Writes a YUV4MPEG2 stream to a file or a pipe.
public final class Y4MWriter {
  /// Whoever read the stream has gone: no failure, but nothing is left to do.
  public struct ReaderGone: Error {}

  /// What the stream's first line says.
  public let header: Y4MHeader
  private let descriptor: Int32
  private let name: String

  /// Writes the header. The process must ignore SIGPIPE where a reader may go.
  ///
  /// - Throws: `FileError`, ``ReaderGone``.
  public init(_ header: Y4MHeader, descriptor: Int32, name: String) throws {
    self.header = header
    self.descriptor = descriptor
    self.name = name
    try write(Array((header.line + "\n").utf8))
  }

  /// Appends a picture of the stream's size; another one traps.
  public func write(_ image: Image) throws {
    check(
      (image.width, image.height) == (header.width, header.height), "Y4MWriter.write",
      "expected \(header.width)x\(header.height) pixels, found \(image.width)x\(image.height)")
    try writeFrame(image.samples(for: header))
  }

  /// Appends labels H×W as the samples of a stream without chroma.
  ///
  /// - Throws: `FileError` if a label is outside 0…255.
  public func write(_ labels: Labels) throws {
    check(
      header.chroma == .mono && labels.shape == [header.height, header.width], "Y4MWriter.write",
      "expected labels of \(header.height)×\(header.width) for a grey stream, found \(labels.shape)")
    let samples = try labels.values.map { label -> UInt8 in
      guard let sample = UInt8(exactly: label) else {
        throw FileError.unencodable(file: name, reason: "expected labels of 0...255, found \(label)")
      }
      return sample
    }
    try writeFrame(samples)
  }

  private func writeFrame(_ samples: [UInt8]) throws {
    try write(Array("FRAME\n".utf8))
    try write(samples)
  }

  private func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0 && errno == EINTR { continue }
        if count < 0 && errno == EPIPE { throw ReaderGone() }
        guard count > 0 else { throw FileError(path: name, doing: "write") }
        rest = rest.dropFirst(count)
      }
    }
  }
}
