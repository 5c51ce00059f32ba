import Foundation
import SegFiles
import SegImages
import SegKernels

/// CamVid in the layout of the SegNet authors: `train.txt`, `val.txt` and `test.txt` list pairs of an image and an
/// annotation, whose pixels are 0…10 for the eleven classes and 11 for "unlabelled".
///
/// Brostow, Fauqueur and Cipolla, "Semantic object classes in video", 2009.
public struct CamVid: SegmentationDataset {
  public let classes = ClassTable.camVid
  private let pairs: [(image: URL, annotation: URL)]

  /// Reads the list of a split.
  ///
  /// Paths in the lists are relative to the folder; of absolute ones, as the SegNet tutorial has them, the last two
  /// components count.
  /// - Throws: `FileError` if the folder, its list or a listed file is missing, or a line is no pair.
  public init(root: URL, split: String) throws {
    guard FileManager.default.fileExists(atPath: root.relativePath) else {
      throw FileError(path: root.relativePath, kind: .missing, problem: "expected the folder of CamVid, found nothing")
    }
    let list = root.appendingPathComponent("\(split).txt")
    guard let text = try? String(contentsOf: list, encoding: .utf8) else {
      throw FileError(
        path: list.relativePath, kind: .missing,
        problem: "expected a list of image and annotation pairs, found no readable file")
    }
    func located(_ path: Substring) -> URL {
      let parts = path.hasPrefix("/") ? path.split(separator: "/").suffix(2) : path.split(separator: "/")
      return parts.reduce(root) { $0.appendingPathComponent(String($1)) }
    }
    pairs = try text.split(whereSeparator: \.isNewline).enumerated().compactMap { number, line in
      let fields = line.split(whereSeparator: \.isWhitespace)
      if fields.isEmpty { return nil }
      guard fields.count == 2 else {
        throw FileError(
          path: list.relativePath, problem: "line \(number + 1): expected two paths, found \(fields.count)")
      }
      let pair = (image: located(fields[0]), annotation: located(fields[1]))
      for file in [pair.image, pair.annotation] where !FileManager.default.fileExists(atPath: file.relativePath) {
        throw FileError(
          path: list.relativePath, kind: .missing,
          problem: "line \(number + 1) names \(fields.joined(separator: " ")), but there is no \(file.relativePath)")
      }
      return pair
    }
    guard !pairs.isEmpty else { throw FileError(path: list.relativePath, problem: "the list is empty") }
  }

  public var count: Int { pairs.count }

  public func name(at index: Int) -> String { pairs[index].image.lastPathComponent }

  public func sample(at index: Int) throws -> SegmentationSample {
    let (imageURL, annotationURL) = pairs[index]
    let image = try Image(contentsOf: imageURL)
    let labels = try Labels(contentsOf: annotationURL)
    guard labels.shape == [image.height, image.width] else {
      throw FileError(
        path: annotationURL.relativePath,
        problem:
          "expected \(image.height)×\(image.width) labels for \(imageURL.lastPathComponent), found \(labels.shape)")
    }
    try classes.validate(labels, path: annotationURL.relativePath)
    return SegmentationSample(image: image, labels: labels, name: imageURL.lastPathComponent)
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
