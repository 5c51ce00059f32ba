import Foundation

extension URL {
  /// Makes the folder, and those above it that are missing; one that is there already is left as it is.
  ///
  /// - Throws: `FileError` if it cannot be made.
  package func makeFolder() throws {
    guard (try? FileManager.default.createDirectory(at: self, withIntermediateDirectories: true)) != nil else {
      throw FileError(path: relativePath, kind: .unwritable, problem: "expected a folder that can be made")
    }
  }
}
