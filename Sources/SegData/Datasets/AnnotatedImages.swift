import Foundation
import SegFiles
import SegImages
import SegKernels

/// Image files with an annotation file each: what most data sets on disk come down to once their folders are listed.
struct AnnotatedImages: Sendable {
  struct Pair: Sendable {
    let image: URL
    let annotation: URL
  }

  let pairs: [Pair]

  init(_ pairs: [Pair]) { self.pairs = pairs }

  /// Pairs the pictures of two folders by name, endings aside, in the order of names.
  ///
  /// - Throws: `FileError` if a folder is missing or empty, two pictures share a name, or one has no partner.
  init(images: URL, annotations: URL) throws {
    let photos = try AnnotatedImages.files(in: images, what: "images") { $0.isPicture }
    let labels = try AnnotatedImages.files(in: annotations, what: "label PNGs") {
      $0.pathExtension.lowercased() == "png"
    }
    for (names, others, place) in [(photos, labels, annotations), (labels, photos, images)] {
      let lonely = names.keys.filter { others[$0] == nil }.sorted()
      guard let first = lonely.first else { continue }
      let what = place == annotations ? "a label PNG for each of \(names.count) images" : "an image for each label PNG"
      throw FileError(
        path: place.relativePath, kind: .missing,
        problem: "expected \(what), found none for \(lonely.count), first \(first.quoted)")
    }
    self.init(photos.keys.sorted().map { Pair(image: photos[$0]!, annotation: labels[$0]!) })
  }

  /// Pairs the files of a list that names one image a line, without ending.
  ///
  /// - Throws: `FileError` if the list is missing or empty, or a file of it is.
  init(list: URL, images: URL, annotations: [URL]) throws {
    self.init(
      try list.lines(expecting: "a list of images, one name a line").map { number, text in
        let stem = text.trimmingCharacters(in: .whitespaces)
        func found(_ file: URL?, in folder: URL) throws -> URL {
          if let file { return file }
          throw FileError(
            path: list.relativePath, kind: .missing,
            problem: "line \(number) names \(stem.quoted), but \(folder.relativePath.printable) has no such picture")
        }
        return Pair(
          image: try found(images.file(stem), in: images),
          annotation: try found(annotations.lazy.compactMap { $0.file(stem, ["png"]) }.first, in: annotations[0]))
      })
    guard !pairs.isEmpty else { throw FileError(path: list.relativePath, problem: "the list is empty") }
  }

  private static func files(in folder: URL, what: String, where isWanted: (URL) -> Bool) throws -> [String: URL] {
    var files: [String: URL] = [:]
    for name in try folder.names(expecting: "a folder of \(what)") {
      let file = folder.appendingPathComponent(name)
      guard isWanted(file) else { continue }
      if let other = files.updateValue(file, forKey: file.deletingPathExtension().lastPathComponent) {
        throw FileError(
          path: file.relativePath, problem: "expected one file of its name, found \(other.lastPathComponent.quoted) too"
        )
      }
    }
    guard !files.isEmpty else {
      throw FileError(path: folder.relativePath, problem: "expected \(what), found none")
    }
    return files
  }

  var count: Int { pairs.count }

  func name(at index: Int) -> String { pairs[index].image.lastPathComponent }

  /// Reads a pair.
  ///
  /// - Parameter map: what the annotation's numbers mean; nil where they are classes already.
  /// - Throws: `FileError` if a file cannot be read, their sizes differ, or a label is unknown.
  func sample(at index: Int, classes: ClassTable, map: LabelMap? = nil) throws -> SegmentationSample {
    let image = try Image(contentsOf: pairs[index].image)
    let path = pairs[index].annotation.relativePath
    var labels = try Labels(contentsOf: pairs[index].annotation)
    guard labels.shape == [image.height, image.width] else {
      throw FileError(
        path: path,
        problem:
          "expected \(image.height)×\(image.width) labels for \(name(at: index).printable), found \(labels.shape)")
    }
    if let map { labels = try map.apply(to: labels, path: path) }
    try classes.validate(labels, path: path)
    return SegmentationSample(image: image, labels: labels, name: name(at: index))
  }
}

extension ClassTable {
  /// Checks that every label is a class or the ignore index.
  func validate(_ labels: Labels, path: String) throws {
    let stray = labels.withUnsafeBufferPointer { $0.first { !contains($0) } }
    if let stray {
      throw FileError(
        path: path,
        problem: "expected labels 0…\(count - 1)\(ignoreIndex.map { " or \($0) (ignore)" } ?? ""), found \(stray)")
    }
  }
}
