import Foundation
import Glibc
import SegFiles

/// The largest file that is read as a picture; a decoder never needs a second look at the disk.
private let maximumFileBytes = 1 << 31

/// The bytes of a regular file. Throws `FileError.unreadable` with the system's reason.
package func readFile(at url: URL) throws -> [UInt8] {
  func failure(_ reason: String) -> FileError { .unreadable(file: url.relativePath, reason: reason) }
  guard url.isFileURL else { throw FileError.unreadable(file: url.absoluteString, reason: "it is not a file URL") }
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  let descriptor = open(url.relativePath, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { throw failure(String(cString: strerror(errno))) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw failure(String(cString: strerror(errno))) }
  switch status.st_mode & S_IFMT {
  case S_IFREG: break
  case S_IFDIR: throw failure("it is a folder")
  default: throw failure("it is not a regular file")
  }
  let size = Int(status.st_size)
  guard size <= maximumFileBytes else { throw failure("expected at most \(maximumFileBytes) bytes, found \(size)") }
  return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    while count < size {
      let got = read(descriptor, buffer.baseAddress! + count, size - count)
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw failure(String(cString: strerror(errno))) }
      if got == 0 { break }
      count += got
    }
  }
}
