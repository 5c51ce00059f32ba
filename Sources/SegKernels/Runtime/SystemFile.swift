import Glibc

/// The small files in which Linux says what the machine is.
enum SystemFile {
  /// The first lines of such a file, 16 KiB at most; none if it does not exist.
  static func lines(of path: String) -> [Substring] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 14)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
  }
}
