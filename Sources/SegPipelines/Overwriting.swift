import Foundation
import SegFiles

/// Refuses files that exist, before anything is computed, unless overwriting was asked for.
///
/// - Throws: `FileError` naming the first of them.
func refuseExisting(_ files: [URL], overwrite: Bool) throws {
  guard !overwrite, let file = files.first(where: { FileManager.default.fileExists(atPath: $0.relativePath) })
  else { return }
  throw FileError(
    path: file.relativePath, kind: .unwritable,
    problem: "exists already, and overwriting was not asked for (--force)")
}
