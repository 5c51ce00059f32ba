import Glibc
import SegFiles

/// Frames of a YUV4MPEG2 stream, one after the other, from a file or a pipe.
///
/// A stream may be followed by another one (`cat a.y4m b.y4m`): the frame says so, and must have the size of those before.
public final class Y4MReader {
  /// One frame.
  public struct Frame {
    /// The header of its stream.
    public let header: Y4MHeader
    /// Whether it is the first of its stream.
    public let startsStream: Bool
    /// Luma, then both chroma planes.
    public let samples: [UInt8]

    /// The frame as a picture.
    public var image: Image { Image(header: header, samples: samples) }
  }

  /// The header of the stream that is being read.
  public private(set) var header: Y4MHeader
  private let descriptor: Int32
  private let name: String
  private let maximumPixels: Int
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  private var filled = 0, used = 0
  private var frames = 0, startsStream = true

  /// Lines of a stream are short; longer ones are no Y4M.
  private static let longestLine = 1024

  /// Reads the header.
  ///
  /// - Parameters:
  ///   - descriptor: an open file or pipe; it is not closed.
  ///   - name: what errors call it.
  ///   - maximumPixels: the most pixels that a frame may have.
  /// - Throws: `FileError`.
  public init(descriptor: Int32, name: String, maximumPixels: Int = Image.defaultMaximumPixels) throws {
    self.descriptor = descriptor
    self.name = name
    self.maximumPixels = maximumPixels
    header = Y4MHeader(width: 1, height: 1, chroma: .mono)
    guard let line = try line() else {
      throw FileError(path: name, problem: "expected a Y4M stream, found nothing")
    }
    header = try header(of: line)
  }

  /// The next frame; nil at the end of the stream.
  ///
  /// - Throws: `FileError` where the stream is cut off, damaged, or goes on in another size.
  public func next() throws -> Frame? {
    guard var line = try line() else { return nil }
    if line.starts(with: Y4MReader.magic) {
      let next = try header(of: line)
      guard (next.width, next.height) == (header.width, header.height) else {
        throw FileError(
          path: name,
          problem: "frame \(frames): expected \(header.width)x\(header.height) pixels as before, found "
            + "\(next.width)x\(next.height)")
      }
      header = next
      startsStream = true
      guard let first = try self.line() else { return nil }
      line = first
    }
    guard line.starts(with: Array("FRAME".utf8)) else {
      throw FileError(
        path: name,
        problem: "frame \(frames): expected FRAME, found \(String(decoding: line.prefix(16), as: UTF8.self).quoted)")
    }
    let samples = try bytes(header.frameBytes)
    defer {
      frames += 1
      startsStream = false
    }
    return Frame(header: header, startsStream: startsStream, samples: samples)
  }

  private static let magic = Array("YUV4MPEG2".utf8)

  private func header(of line: [UInt8]) throws -> Y4MHeader {
    guard line.starts(with: Y4MReader.magic) else {
      throw FileError(
        path: name, problem: "expected a Y4M stream, found \(String(decoding: line.prefix(16), as: UTF8.self).quoted)")
    }
    let words = String(decoding: line, as: UTF8.self).split(separator: " ").dropFirst()
    return try Y4MHeader(words: Array(words), name: name, maximumPixels: maximumPixels)
  }

  /// The bytes up to the next line's end; nil at the end of the stream.
  private func line() throws -> [UInt8]? {
    var line: [UInt8] = []
    while true {
      if used == filled, try !fill() {
        if line.isEmpty { return nil }
        throw FileError(path: name, problem: "frame \(frames): the stream ends within a line of \(line.count) bytes")
      }
      let byte = buffer[used]
      used += 1
      if byte == UInt8(ascii: "\n") { return line }
      line.append(byte)
      guard line.count <= Y4MReader.longestLine else {
        throw FileError(
          path: name, problem: "expected a Y4M stream, found a line of more than \(Y4MReader.longestLine) bytes")
      }
    }
  }

  /// So many bytes.
  private func bytes(_ count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      while initialized < count {
        if used == filled, try !fill() {
          throw FileError(
            path: name,
            problem: "frame \(frames): expected \(count) bytes of samples, found \(initialized): the stream is cut off")
        }
        let run = min(filled - used, count - initialized)
        buffer.withUnsafeBufferPointer {
          (target.baseAddress! + initialized).initialize(from: $0.baseAddress! + used, count: run)
        }
        used += run
        initialized += run
      }
    }
  }

  /// Reads on; false at the end.
  private func fill() throws -> Bool {
    while true {
      let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw FileError(path: name, kind: .missing, doing: "read") }
      (filled, used) = (count, 0)
      return count > 0
    }
  }
}
