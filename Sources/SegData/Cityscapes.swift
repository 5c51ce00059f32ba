import Foundation
import SegFiles
import SegImages
import SegKernels

/// Cityscapes in its own layout: `leftImg8bit/<split>/<city>/<stem>_leftImg8bit.png` (or `.jpg`) with
/// `gtFine/<split>/<city>/<stem>_gtFine_labelTrainIds.png`, or `…_labelIds.png`, which are mapped.
///
/// Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", 2016.
public struct Cityscapes: SegmentationDataset {
  public let classes = ClassTable.cityscapes
  /// An image, its annotation, and whether that holds trainIds already.
  private typealias Pair = (image: URL, annotation: URL, isMapped: Bool)
  private let pairs: [Pair]

  /// Lists the images of a split, by city and name.
  ///
  /// - Throws: `FileError` if there is no such split, it is empty, or an image lacks its annotation.
  public init(root: URL, split: String) throws {
    let images = root.appendingPathComponent("leftImg8bit").appendingPathComponent(split)
    let cities = try Cityscapes.contents(of: images, what: "a folder of cities")
    pairs = try cities.flatMap { city -> [Pair] in
      let suffixes = ["_leftImg8bit.png", "_leftImg8bit.jpg"]
      let names = try Cityscapes.contents(of: images.appendingPathComponent(city), what: "a folder of images")
      return try names.compactMap { name -> Pair? in
        guard let suffix = suffixes.first(where: name.hasSuffix) else { return nil }
        let labels = root.appendingPathComponent("gtFine").appendingPathComponent(split).appendingPathComponent(city)
        let stem = name.dropLast(suffix.count)
        for (ending, isMapped) in [("labelTrainIds", true), ("labelIds", false)] {
          let annotation = labels.appendingPathComponent("\(stem)_gtFine_\(ending).png")
          if FileManager.default.fileExists(atPath: annotation.path) {
            return (images.appendingPathComponent(city).appendingPathComponent(name), annotation, isMapped)
          }
        }
        throw FileError(
          path: labels.relativePath, kind: .missing,
          problem: "expected \(stem)_gtFine_labelTrainIds.png or _labelIds.png, found neither")
      }
    }
    guard !pairs.isEmpty else {
      throw FileError(path: images.relativePath, problem: "expected images named …_leftImg8bit.png, found none")
    }
  }

  private static func contents(of folder: URL, what: String) throws -> [String] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else {
      throw FileError(path: folder.relativePath, kind: .missing, problem: "expected \(what), found none")
    }
    return names.filter { !$0.hasPrefix(".") }.sorted()
  }

  public var count: Int { pairs.count }

  public func name(at index: Int) -> String { pairs[index].image.lastPathComponent }

  public func sample(at index: Int) throws -> SegmentationSample {
    let pair = pairs[index]
    let image = try Image(contentsOf: pair.image)
    var labels = try Labels(contentsOf: pair.annotation)
    guard labels.shape == [image.height, image.width] else {
      throw FileError(
        path: pair.annotation.relativePath,
        problem: "expected \(image.height)×\(image.width) labels for \(name(at: index)), found \(labels.shape)")
    }
    if !pair.isMapped { labels = Labels(labels.shape, labels.values.map(Cityscapes.trainID)) }
    try classes.validate(labels, path: pair.annotation.relativePath)
    return SegmentationSample(image: image, labels: labels, name: name(at: index))
  }

  /// The number that a class has in Cityscapes' files, by its trainId.
  static let labelIDs: [Int32] = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]

  /// The class of a labelId; 255 for those that are not evaluated.
  static func trainID(_ labelID: Int32) -> Int32 { labelIDs.firstIndex(of: labelID).map(Int32.init) ?? 255 }
}
