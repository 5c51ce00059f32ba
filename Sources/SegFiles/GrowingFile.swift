import Glibc

/// A file that grows while a program runs: a log. What is appended is in the file when the call returns, or an error is
/// thrown and the file ends where it ended before.
package final class GrowingFile {
  private let descriptor: Int32
  private let path: String
  private var size: Int

  /// Opens the file with new contents; what it held before is replaced in one step.
  package init(_ path: String, startingWith contents: [UInt8] = []) throws {
    try writeAtomically(to: path, overwrite: true) { try $0.write(contents) }
    self.path = path
    size = contents.count
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, doing: "open for writing") }
  }

  deinit { close(descriptor) }

  /// Appends all of these bytes.
  package func append(_ bytes: [UInt8]) throws {
    do {
      try FileSink(descriptor: descriptor, path: path).write(bytes)
      size += bytes.count
    } catch {
      _ = ftruncate(descriptor, size)
      throw error
    }
  }
}
