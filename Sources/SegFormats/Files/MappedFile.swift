import Glibc
import SegFiles
import SegKernels

/// A file's bytes, mapped into memory for reading: opening costs nothing, and pages are read when touched.
///
/// Whoever shortens the file while it is mapped makes reads of the lost pages fail with a bus error; files written by
/// `writeAtomically` are replaced, never shortened.
final class MappedFile: PageOwner {
  let bytes: UnsafeRawBufferPointer

  init(path: String) throws(FileError) {
    // Non-blocking, so that a named pipe is refused below instead of waited for.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError(path: path, kind: .missing, doing: "open for reading") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(path: path, kind: .missing, doing: "examine") }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw FileError(path: path, kind: .missing, problem: "expected a file, found a directory")
    default:
      throw FileError(path: path, kind: .missing, problem: "expected a regular file, found a device, pipe or socket")
    }
    let count = Int(status.st_size)
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw FileError(path: path, kind: .missing, doing: "map into memory")
    }
    bytes = UnsafeRawBufferPointer(start: base, count: count)
  }

  func giveBack(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    // The first page and the last may hold something else, which would be read again for nothing.
    let first = base.alignedUp(toMultipleOf: MappedFile.pageSize)
    let last = (base + bytes.count).alignedDown(toMultipleOf: MappedFile.pageSize)
    if first < last { madvise(UnsafeMutableRawPointer(mutating: first), last - first, MADV_DONTNEED) }
  }

  private static let pageSize = sysconf(Int32(_SC_PAGESIZE))

  deinit {
    if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
  }
}
