import Glibc

/// Writes a file that appears only when it is complete.
///
/// The bytes go to a temporary file in the same folder, reach the disk, and take the file's name in one step; the
/// folder is then synchronised too. Whatever fails, an older file of that name is untouched and nothing is left behind.
/// A symbolic link is followed; the permissions of a replaced file are kept.
///
/// - Parameters:
///   - path: the file. Its folder must exist.
///   - overwrite: without it, a file that exists already is an error, also if it appears while `body` is running.
///   - body: writes the contents. What it throws is passed on.
/// - Throws: `FileError`, or what `body` throws.
package func writeAtomically(to path: String, overwrite: Bool, _ body: (FileSink) throws -> Void) throws {
  let target = try Target(path: path, overwrite: overwrite)
  let number = String(UInt64.random(in: 0 ... .max), radix: 16)
  let temporary = target.folder + "/" + temporaryName.prefix + number + temporaryName.suffix
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, target.mode ?? 0o666)
  guard descriptor >= 0 else { throw FileError(path: path, doing: "create a file in its folder") }
  var isOpen = true
  do {
    // The mode given to `open` is narrowed by the umask; a replaced file keeps its own.
    if let mode = target.mode, fchmod(descriptor, mode) != 0 {
      throw FileError(path: path, doing: "set its permissions")
    }
    try body(FileSink(descriptor: descriptor, path: path))
    guard fsync(descriptor) == 0 else { throw FileError(path: path, doing: "write to the disk") }
    isOpen = false
    guard close(descriptor) == 0 else { throw FileError(path: path, doing: "finish writing") }
    try target.take(temporary, overwrite: overwrite)
  } catch {
    if isOpen { close(descriptor) }
    unlink(temporary)
    throw error
  }
  try target.synchroniseFolder()
}

private let temporaryName = (prefix: ".segkernels-", suffix: ".tmp")

/// Removes what writers that were killed have left in a folder: for folders that nobody else writes to.
package func removeUnfinishedFiles(in folder: String) {
  guard let stream = opendir(folder) else { return }
  defer { closedir(stream) }
  while let entry = readdir(stream) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    guard name.hasPrefix(temporaryName.prefix), name.hasSuffix(temporaryName.suffix) else { continue }
    unlink(folder + "/" + name)
  }
}

/// Where the bytes of `writeAtomically` go.
package struct FileSink {
  private let descriptor: Int32
  private let path: String

  /// Writes to an open descriptor; `path` names the file in errors.
  package init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Appends all of these bytes.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw FileError(path: path, doing: "write") }
      rest = rest.dropFirst(written)
    }
  }

  /// Appends all of these bytes.
  package func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes(write)
  }
}

/// The name that a new file is to take.
private struct Target {
  let name: String
  let path: String
  let folder: String
  /// The permissions of the file that will be replaced; `nil` if there is none.
  let mode: mode_t?

  init(path name: String, overwrite: Bool) throws {
    self.name = name
    var status = stat()
    let exists = lstat(name, &status) == 0
    guard !exists || overwrite else { throw Target.existing(name) }
    if exists, let resolved = realpath(name, nil) {
      defer { free(resolved) }
      path = String(cString: resolved)
      guard stat(path, &status) == 0 else { throw FileError(path: name, doing: "examine") }
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw FileError(
          path: name, kind: .unwritable,
          problem: "cannot be replaced: expected a regular file, found a directory or device")
      }
      mode = status.st_mode & 0o7777
    } else {
      path = name
      mode = nil
    }
    if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) {
      folder = slash == path.startIndex ? "/." : String(path[..<slash])
    } else {
      folder = "."
    }
  }

  private static func existing(_ name: String) -> FileError {
    FileError(path: name, kind: .unwritable, problem: "exists already, and overwriting was not asked for")
  }

  /// Gives the finished file its name.
  func take(_ temporary: String, overwrite: Bool) throws {
    if !overwrite {
      // Unlike a renaming, a second link fails if the name was taken meanwhile. Some file systems know no links; there
      // the check before has to do.
      if link(temporary, path) == 0 {
        unlink(temporary)
        return
      }
      if errno == EEXIST { throw Target.existing(name) }
      guard errno == EPERM || errno == EOPNOTSUPP else { throw FileError(path: name, doing: "put in place") }
    }
    guard rename(temporary, path) == 0 else { throw FileError(path: name, doing: "put in place") }
  }

  /// Makes the new name outlast a power cut.
  func synchroniseFolder() throws {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: name, doing: "open its folder") }
    defer { close(descriptor) }
    // EINVAL: a file system without this notion.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw FileError(path: name, doing: "synchronise its folder")
    }
  }
}
