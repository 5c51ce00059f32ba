import Foundation
import SegFiles

/// Predictions and the truths that they are scored against, paired by name.
///
/// Two files are one pair. In folders, and folders below them, files pair whose names are equal up to the extension and
/// the endings that this package and Cityscapes add (`_labels`, `_leftImg8bit`, `_gtFine_labelTrainIds`, `_labelIds`).
struct FilePairs {
  struct Pair {
    /// The common name: folders below the given one, then the stem.
    let name: String
    let prediction: URL
    let truth: URL

    /// What comes before the last slash: the video that a frame belongs to.
    var folder: String { name.split(separator: "/").dropLast().joined(separator: "/") }
  }

  /// In the order of names.
  let pairs: [Pair]

  /// - Throws: `FileError` where a file or folder is missing or empty, two files have one name, or one has no partner.
  init(prediction: URL, truth: URL, extensions: [String] = ["png"]) throws {
    let found = try FilePairs.files(at: prediction, extensions), wanted = try FilePairs.files(at: truth, extensions)
    if let (_, one) = found.single, let (name, other) = wanted.single {
      pairs = [Pair(name: name, prediction: one, truth: other)]
      return
    }
    guard case .folder(let found) = found, case .folder(let wanted) = wanted else {
      throw FileError(
        path: prediction.relativePath,
        problem: "expected two files or two folders, found one of each (the truth is \(truth.relativePath.quoted))")
    }
    for (names, others, place, partner) in [(wanted, found, prediction, "truth"), (found, wanted, truth, "prediction")]
    {
      let missing = names.keys.filter { others[$0] == nil }.sorted()
      if let first = missing.first {
        throw FileError(
          path: place.relativePath,
          problem: """
            expected a partner for each of \(names.count) files of the \(partner), found none for \(missing.count), \
            first \(first.quoted)
            """)
      }
    }
    pairs = wanted.keys.sorted().map { Pair(name: $0, prediction: found[$0]!, truth: wanted[$0]!) }
  }

  /// The files of a folder by name.
  ///
  /// - Throws: `FileError`, also where there are none.
  static func named(in folder: URL, extensions: [String]) throws -> [String: URL] {
    switch try files(at: folder, extensions) {
    case .folder(let files): return files
    case .file: throw FileError(path: folder.relativePath, problem: "expected a folder, found a file")
    }
  }

  private enum Place {
    case file(String, URL)
    case folder([String: URL])

    var single: (String, URL)? {
      if case .file(let name, let url) = self { (name, url) } else { nil }
    }
  }

  private static func files(at url: URL, _ extensions: [String]) throws -> Place {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw FileError(path: url.relativePath, kind: .missing, problem: "expected a file or folder, found none")
    }
    guard isFolder.boolValue else { return .file(name(of: url.lastPathComponent), url) }
    let paths = try FileManager.default.subpathsOfDirectory(atPath: url.path).filter { path in
      extensions.contains((path as NSString).pathExtension.lowercased())
        && !path.split(separator: "/").contains { $0.hasPrefix(".") }
    }.sorted()
    // Beside its trainIds or labelIds, Cityscapes keeps other pictures of the same frame.
    let cityscapes = ["_gtFine_labelTrainIds.png", "_gtFine_labelIds.png"].lazy.map { ending in
      paths.filter { $0.hasSuffix(ending) }
    }.first { !$0.isEmpty }
    var files: [String: URL] = [:]
    for path in cityscapes ?? paths {
      let file = url.appendingPathComponent(path)
      if let other = files.updateValue(file, forKey: name(of: path)) {
        throw FileError(
          path: file.relativePath, problem: "expected one file of its name, found \(other.lastPathComponent.quoted) too"
        )
      }
    }
    guard !files.isEmpty else {
      throw FileError(
        path: url.relativePath,
        problem: "expected \(extensions.map { "." + $0 }.joined(separator: " or ")) files, found none")
    }
    return .folder(files)
  }

  private static func name(of path: String) -> String {
    var name = (path as NSString).deletingPathExtension
    for ending in ["_labels", "_leftImg8bit", "_gtFine_labelTrainIds", "_gtFine_labelIds", "_labelIds"]
    where name.hasSuffix(ending) {
      name.removeLast(ending.count)
    }
    return name
  }
}
