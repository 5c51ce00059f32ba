import SegFiles

/// What can be wrong with a picture that comes from outside.
extension FileError {
  /// The file cannot be read: missing, a folder, not permitted.
  static func unreadable(file: String, reason: String) -> FileError {
    FileError(path: file, kind: .missing, problem: "cannot be read: \(reason)")
  }

  /// The bytes begin neither as PNG nor as JPEG.
  static func unknownFormat(file: String) -> FileError {
    FileError(path: file, problem: "expected a PNG or JPEG picture, found other content")
  }

  /// The header promises more pixels than the caller allows; nothing was allocated.
  static func tooLarge(file: String, width: Int, height: Int, limit: Int) -> FileError {
    FileError(path: file, problem: "expected at most \(limit) pixels, found \(width)x\(height)")
  }

  /// The bytes break the rules of their format.
  static func damaged(file: String, format: String, reason: String) -> FileError {
    FileError(path: file, problem: "damaged \(format): \(reason)")
  }

  /// The bytes are sound, but hold something else than was asked for.
  static func unsupported(file: String, reason: String) -> FileError { FileError(path: file, problem: reason) }

  /// The picture cannot be written in that format.
  static func unencodable(file: String, reason: String) -> FileError {
    FileError(path: file, kind: .unwritable, problem: "cannot be encoded: \(reason)")
  }
}
