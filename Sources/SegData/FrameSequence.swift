import Foundation
import SegFiles
import SegImages

/// Frames in order of time, without labels.
public protocol FrameSequence: Sendable {
  /// The number of frames.
  var count: Int { get }

  /// What a frame is called.
  func name(at index: Int) -> String

  /// Reads one frame.
  ///
  /// - Throws: a `FileError` naming the file.
  func image(at index: Int) throws -> Image
}

/// A video as a folder of pictures, in the order of their names, numbers by their value: `frame_2` before `frame_10`.
public struct FrameFolder: FrameSequence {
  /// The pictures.
  public let files: [URL]

  /// The pictures of a folder, in the order of their names.
  ///
  /// - Parameters:
  ///   - folder: where they are.
  ///   - prefix: what their names begin with, where other pictures lie beside them.
  /// - Throws: `FileError` if there is no such folder or no picture in it.
  public init(_ folder: URL, prefix: String = "") throws {
    files = try folder.names(expecting: "a folder of frames").filter { $0.hasPrefix(prefix) }
      .map(folder.appendingPathComponent).filter(\.isPicture)
      .sorted { a, b in
        let (a, b) = (a.lastPathComponent, b.lastPathComponent)
        let order = a.compare(b, options: .numeric)
        return order == .orderedSame ? a < b : order == .orderedAscending
      }
    guard !files.isEmpty else {
      throw FileError(path: folder.relativePath, problem: "expected frames as PNG or JPEG, found none")
    }
  }

  public var count: Int { files.count }
  public func name(at index: Int) -> String { files[index].lastPathComponent }
  public func image(at index: Int) throws -> Image { try Image(contentsOf: files[index]) }
}
