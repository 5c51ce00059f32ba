import Foundation
import SegFiles
import SegImages
import SegKernels

/// Anyone's own data: a folder of images, and one of PNGs of the same names that hold a class a pixel.
///
/// Beside them, `classes.txt` names the classes, one a line, class 0 first, each with a colour if one likes
/// (`road #804080`); label 255 is ignored. Where the PNGs hold other numbers, `mapping.txt` says what they mean
/// (``LabelMap/init(contentsOf:)``).
public struct FolderDataset: SegmentationDataset {
  public let classes: ClassTable
  private let files: AnnotatedImages
  private let map: LabelMap?

  /// Pairs two folders.
  ///
  /// - Parameters:
  ///   - images: the folder of photographs.
  ///   - labels: the folder of PNGs of the same names.
  ///   - classes: the file of class names.
  ///   - mapping: the mapping file, if there is one.
  /// - Throws: `FileError` if something is missing, a file has no partner, or a label is mapped to no class.
  public init(images: URL, labels: URL, classes: URL, mapping: URL? = nil) throws {
    self.classes = try ClassTable(contentsOf: classes)
    map = try mapping.map(LabelMap.init(contentsOf:))
    for target in map?.targets.sorted() ?? [] where !self.classes.contains(target) {
      throw FileError(
        path: mapping!.relativePath,
        problem: "expected classes 0…\(self.classes.count - 1) or 255 (ignore), found a label that becomes \(target)")
    }
    files = try AnnotatedImages(images: images, annotations: labels)
  }

  /// Opens a folder that holds `images` and `labels`, `classes.txt` and perhaps `mapping.txt`.
  ///
  /// A split is `images/<split>` and `labels/<split>`, or `<split>/images` and `<split>/labels`; a folder without
  /// either is one set, whatever the split is called.
  /// - Throws: `FileError`, also where there are splits, but not that one.
  public init(root: URL, split: String) throws {
    let mapping = root.appendingPathComponent("mapping.txt")
    let place = try FolderDataset.place(of: split, in: root)
    try self.init(
      images: place.images, labels: place.labels, classes: root.appendingPathComponent("classes.txt"),
      mapping: mapping.exists ? mapping : nil)
  }

  private static func place(of split: String, in root: URL) throws -> (images: URL, labels: URL) {
    let inside = root.appendingPathComponent(split)
    if inside.below("images").isFolder { return (inside.below("images"), inside.below("labels")) }
    let images = root.below("images"), labels = root.below("labels")
    let names = try images.names(expecting: "a folder of images (or \(split)/images)")
    let splits = names.filter { images.appendingPathComponent($0).isFolder }
    if splits.isEmpty { return (images, labels) }
    guard splits.contains(split) else {
      throw FileError(
        path: images.relativePath, kind: .missing,
        problem: "expected the split \(split.quoted), found \(splits.map(\.quoted).joined(separator: ", "))")
    }
    return (images.appendingPathComponent(split), labels.appendingPathComponent(split))
  }

  public var count: Int { files.count }
  public func name(at index: Int) -> String { files.name(at: index) }
  public func sample(at index: Int) throws -> SegmentationSample {
    try files.sample(at: index, classes: classes, map: map)
  }
}

extension ClassTable {
  /// Reads a file of class names, one a line, class 0 first; a last word `#RRGGBB` is the class's colour. 255 is
  /// ignored.
  ///
  /// - Throws: `FileError` if it is missing, a name occurs twice, or there are none or more than 255.
  public init(contentsOf url: URL) throws {
    var names: [String] = [], colors: [RGB?] = []
    for (number, text) in try url.lines(expecting: "the names of the classes, one a line, class 0 first") {
      var words = text.split(whereSeparator: \.isWhitespace)
      let color = words.last.flatMap { $0.hasPrefix("#") && $0.count == 7 ? UInt32($0.dropFirst(), radix: 16) : nil }
      if color != nil { words.removeLast() }
      let name = words.joined(separator: " ")
      guard !name.isEmpty, !names.contains(name) else {
        throw FileError(
          path: url.relativePath,
          problem: "line \(number): expected a name that no other class has, found \(name.quoted)")
      }
      names.append(name)
      colors.append(color.map(RGB.init(hex:)))
    }
    guard (1...255).contains(names.count) else {
      throw FileError(path: url.relativePath, problem: "expected 1 to 255 classes, found \(names.count)")
    }
    let palette = Palette(zip(colors, Palette.distinct(count: names.count).colors).map { $0 ?? $1 })
    self.init(names: names, palette: palette)
  }
}
