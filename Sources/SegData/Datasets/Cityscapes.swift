import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics

/// Cityscapes in its own layout: `leftImg8bit/<split>/<city>/<stem>_leftImg8bit.png` (or `.jpg`) with
/// `gtFine/<split>/<city>/<stem>_gtFine_labelTrainIds.png`, or `…_labelIds.png`, which are mapped.
///
/// Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", 2016.
public struct Cityscapes: SegmentationDataset {
  public let classes = ClassTable.cityscapes
  public var categories: [PanopticCategory]? { hasInstances ? Cityscapes.categories : nil }
  private let files: AnnotatedImages
  /// Whether every image has its `…_gtFine_instanceIds.png`.
  private var hasInstances: Bool { (0..<count).allSatisfy { instanceFile(at: $0).exists } }

  /// Lists the images of a split, by city and name.
  ///
  /// - Throws: `FileError` if there is no such split, it is empty, or an image lacks its annotation.
  public init(root: URL, split: String) throws {
    let images = root.appendingPathComponent("leftImg8bit").appendingPathComponent(split)
    files = AnnotatedImages(
      try images.names(expecting: "a folder of cities").flatMap { city in
        let suffixes = ["_leftImg8bit.png", "_leftImg8bit.jpg"]
        let folder = images.appendingPathComponent(city)
        return try folder.names(expecting: "a folder of images").compactMap { name -> AnnotatedImages.Pair? in
          guard let suffix = suffixes.first(where: name.hasSuffix) else { return nil }
          let labels = root.appendingPathComponent("gtFine").appendingPathComponent(split).appendingPathComponent(city)
          let stem = name.dropLast(suffix.count)
          let endings = [Cityscapes.mappedEnding, "_gtFine_labelIds.png"]
          guard let annotation = endings.map({ labels.appendingPathComponent(stem + $0) }).first(where: \.exists) else {
            throw FileError(
              path: labels.relativePath, kind: .missing,
              problem: "expected \(stem)_gtFine_labelTrainIds.png or _labelIds.png, found neither")
          }
          return AnnotatedImages.Pair(image: folder.appendingPathComponent(name), annotation: annotation)
        }
      })
    guard count > 0 else {
      throw FileError(path: images.relativePath, problem: "expected images named …_leftImg8bit.png, found none")
    }
  }

  public var count: Int { files.count }
  public func name(at index: Int) -> String { files.name(at: index) }

  public func sample(at index: Int) throws -> SegmentationSample {
    let isMapped = files.pairs[index].annotation.lastPathComponent.hasSuffix(Cityscapes.mappedEnding)
    let sample = try files.sample(at: index, classes: classes, map: isMapped ? nil : Cityscapes.trainIDs)
    guard instanceFile(at: index).exists else { return sample }
    let ids = try instances(at: index)
    guard ids.shape == sample.labels.shape else {
      throw FileError(
        path: instanceFile(at: index).relativePath, problem: "expected \(sample.labels.shape) ids, found \(ids.shape)")
    }
    return SegmentationSample(
      image: sample.image, labels: sample.labels, instances: Cityscapes.counted(ids), name: sample.name)
  }

  /// The instance ids of an image, H×W: `labelId · 1000 + n`, or the bare labelId of stuff and of groups.
  ///
  /// - Throws: `FileError` if `…_gtFine_instanceIds.png` is missing or damaged.
  public func instances(at index: Int) throws -> Labels {
    try Labels(contentsOf: instanceFile(at: index))
  }

  private func instanceFile(at index: Int) -> URL {
    beside(files.pairs[index].annotation, "_gtFine_", "_gtFine_instanceIds.png")
  }

  /// Cityscapes' instance ids without those of stuff and of groups, which are bare labelIds.
  static func counted(_ ids: Labels) -> Labels { Labels(ids.shape, ids.values.map { $0 >= 1000 ? $0 : 0 }) }

  /// The disparity of an image, H×W columns; NaN where it is not known.
  ///
  /// - Throws: `FileError` if `disparity/…_disparity.png` is missing or damaged.
  public func disparity(at index: Int) throws -> Tensor {
    let image = files.pairs[index].image, city = image.deletingLastPathComponent()
    let split = city.deletingLastPathComponent(), root = split.deletingLastPathComponent().deletingLastPathComponent()
    let folder = root.below("disparity/\(split.lastPathComponent)/\(city.lastPathComponent)")
    let file = beside(folder.below(image.lastPathComponent), "_leftImg8bit", "_disparity.png")
    let codes = try Labels(contentsOf: file)
    return Tensor(codes.shape, codes.values.map { $0 > 0 ? (Float($0) - 1) / 256 : .nan })
  }

  /// A file in the same folder whose name is the same up to `part`.
  private func beside(_ file: URL, _ part: String, _ ending: String) -> URL {
    let stem = file.lastPathComponent.components(separatedBy: part)[0]
    return file.deletingLastPathComponent().below(stem + ending)
  }

  /// The ending of annotations that hold trainIds already.
  private static let mappedEnding = "_gtFine_labelTrainIds.png"

  /// The number that a class has in Cityscapes' files, by its trainId.
  public static let labelIDs: [Int32] = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]

  /// The class of a labelId; 255 for those that are not evaluated.
  private static let trainIDs = LabelMap(
    Dictionary(uniqueKeysWithValues: labelIDs.enumerated().map { ($1, Int32($0)) }), others: 255)

  /// The classes as panoptic files number them: labelIds; the eight from person on are things.
  public static let categories = zip(labelIDs, ClassTable.cityscapes.names).map { id, name in
    PanopticCategory(id: Int(id), name: name, isThing: id >= 24)
  }
}
