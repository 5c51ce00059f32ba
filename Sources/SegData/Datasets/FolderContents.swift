import Foundation
import SegFiles

/// What readers ask of folders and lists; each answers, or says in one line what was expected.
extension URL {
  /// The names in a folder, sorted, hidden ones left out.
  func names(expecting what: String) throws -> [String] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw FileError(path: relativePath, kind: .missing, problem: "expected \(what), found no such folder")
    }
    return names.filter { !$0.hasPrefix(".") }.sorted()
  }

  /// The lines of a text file with their numbers from 1, blank ones left out.
  func lines(expecting what: String) throws -> [(number: Int, text: Substring)] {
    guard let text = try? String(contentsOf: self, encoding: .utf8) else {
      throw FileError(path: relativePath, kind: .missing, problem: "expected \(what), found no readable file")
    }
    return text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
      .map { (number: $0 + 1, text: $1) }.filter { !$0.text.allSatisfy(\.isWhitespace) }
  }

  /// Whether there is a file or folder.
  var exists: Bool { FileManager.default.fileExists(atPath: path) }

  /// Whether there is a folder.
  var isFolder: Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// The file or folder of that relative path.
  func below(_ path: String) -> URL { appendingPathComponent(path) }

  /// The folder reached through those names, each entered where it is there: people name the folder of a data set or
  /// one of those that its archive unpacks to.
  func entering(_ names: String...) -> URL {
    names.reduce(self) { place, name in
      let next = place.appendingPathComponent(name)
      return next.isFolder ? next : place
    }
  }

  /// The first file in the folder that has that stem and one of the endings.
  func file(_ stem: String, _ extensions: [String] = URL.pictures) -> URL? {
    extensions.lazy.map { appendingPathComponent("\(stem).\($0)") }.first(where: \.exists)
  }

  /// The endings of pictures.
  static let pictures = ["jpg", "png", "jpeg"]

  /// Whether the name ends like a picture's.
  var isPicture: Bool { URL.pictures.contains(pathExtension.lowercased()) }
}
