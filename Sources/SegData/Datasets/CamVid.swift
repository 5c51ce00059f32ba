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
  private let files: AnnotatedImages

  /// Reads the list of a split.
  ///
  /// Paths in the lists are relative to the folder; of absolute ones, as the SegNet tutorial has them, the last two
  /// components count.
  /// - Throws: `FileError` if the folder, its list or a listed file is missing, or a line is no pair.
  public init(root: URL, split: String) throws {
    guard root.exists else {
      throw FileError(path: root.relativePath, kind: .missing, problem: "expected the folder of CamVid, found nothing")
    }
    let list = root.appendingPathComponent("\(split).txt")
    func located(_ path: Substring) -> URL {
      let parts = path.hasPrefix("/") ? path.split(separator: "/").suffix(2) : path.split(separator: "/")
      return parts.reduce(root) { $0.appendingPathComponent(String($1)) }
    }
    files = AnnotatedImages(
      try list.lines(expecting: "a list of image and annotation pairs").map { number, line in
        let fields = line.split(whereSeparator: \.isWhitespace)
        guard fields.count == 2 else {
          throw FileError(path: list.relativePath, problem: "line \(number): expected two paths, found \(fields.count)")
        }
        let pair = AnnotatedImages.Pair(image: located(fields[0]), annotation: located(fields[1]))
        for file in [pair.image, pair.annotation] where !file.exists {
          throw FileError(
            path: list.relativePath, kind: .missing,
            problem: "line \(number) names \(fields.joined(separator: " ")), but there is no \(file.relativePath)")
        }
        return pair
      })
    guard count > 0 else { throw FileError(path: list.relativePath, problem: "the list is empty") }
  }

  public var count: Int { files.count }
  public func name(at index: Int) -> String { files.name(at: index) }
  public func sample(at index: Int) throws -> SegmentationSample { try files.sample(at: index, classes: classes) }
}
