import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics

/// COCO's panoptic annotations: `annotations/panoptic_<split>.json` and the folder of PNGs beside it, with the
/// photographs in `<split>`, as the archives unpack (`train2017`, `val2017`).
///
/// As a semantic data set, a pixel has the class of its segment, crowds included; void (id 0) is 255 and ignored.
/// Classes are the file's categories in its order, for COCO 80 things and 53 stuff.
///
/// Kirillov et al., "Panoptic Segmentation", 2019; Caesar, Uijlings and Ferrari, "COCO-Stuff", 2018.
public struct COCOPanoptic: SegmentationDataset {
  public let classes: ClassTable
  /// Class by class: the category's number in the files, and whether it is a thing.
  public var categories: [PanopticCategory]? { fileCategories }
  private let fileCategories: [PanopticCategory]
  /// COCO's 133 categories by class: numbers of the published files, which leave gaps; the first 80 are things.
  public static let categories: [PanopticCategory] = {
    let absent: Set = [
      12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91, 94, 96, 97, 98, 99, 101, 102, 103, 104, 105, 106, 108, 110, 111, 113,
      114, 115, 116, 117, 120, 121, 123, 124, 126, 127, 129, 131, 132, 134, 135, 136, 137, 139, 140, 142, 143, 146, 150,
      152, 153, 157, 158, 160, 162, 163, 164, 165, 167, 169, 170, 172, 173, 174, 179, 182, 183,
    ]
    return zip((1...200).filter { !absent.contains($0) }, ClassTable.cocoPanoptic.names).map { id, name in
      PanopticCategory(id: id, name: name, isThing: id <= 90)
    }
  }()

  private let file: COCOPanopticFile
  private let photos: [URL]
  private let classOfCategory: [Int: Int32]

  /// Opens a split.
  ///
  /// - Parameters:
  ///   - root: the folder that holds `annotations` and the photographs' folders.
  ///   - split: `train2017`, `val2017`; `train` and `val` mean these.
  /// - Throws: `FileError`.
  public init(root: URL, split: String) throws {
    let name = ["train": "train2017", "val": "val2017"][split] ?? split
    try self.init(
      annotations: root.below("annotations/panoptic_\(name).json"), images: root.appendingPathComponent(name))
  }

  /// Opens a JSON file with the PNGs beside it, and the folder of the photographs.
  ///
  /// - Throws: `FileError` if the JSON is not COCO's, lists no categories or images, or a photograph is missing.
  public init(annotations: URL, images: URL) throws {
    let file = try COCOPanopticFile(annotations)
    guard (1...255).contains(file.categories.count), !file.images.isEmpty else {
      throw FileError(
        path: file.url.relativePath,
        problem:
          "expected 1 to 255 categories and at least an image, found \(file.categories.count) and \(file.images.count)")
    }
    photos = try file.images.map { entry in
      let stem = (entry.fileName as NSString).deletingPathExtension
      guard let photo = images.file(stem) else {
        throw FileError(
          path: images.relativePath, kind: .missing,
          problem: "expected a photograph for each of \(file.images.count) annotations, found none named \(stem.quoted)"
        )
      }
      return photo
    }
    self.file = file
    fileCategories = file.categories
    let names = fileCategories.map(\.name)
    classes = names == ClassTable.cocoPanoptic.names ? .cocoPanoptic : ClassTable(names: names)
    classOfCategory = Dictionary(uniqueKeysWithValues: fileCategories.enumerated().map { ($1.id, Int32($0)) })
  }

  public var count: Int { photos.count }
  public func name(at index: Int) -> String { photos[index].lastPathComponent }

  /// The segments of an image, as `PanopticQuality` compares them.
  ///
  /// - Throws: `FileError` if the PNG and the JSON do not name the same segments.
  public func segmentation(at index: Int) throws -> PanopticSegmentation {
    try file.segmentation(of: file.images[index], categories: Set(classOfCategory.keys))
  }

  public func sample(at index: Int) throws -> SegmentationSample {
    let image = try Image(contentsOf: photos[index])
    let segmentation = try segmentation(at: index), path = file.picture(of: file.images[index]).relativePath
    let size = segmentation.ids.shape
    guard size == [image.height, image.width] else {
      throw FileError(
        path: path,
        problem:
          "expected \(image.height)×\(image.width) segments for \(name(at: index).printable), found \(size)"
      )
    }
    var classes = [PanopticSegmentation.void: Int32(255)]
    for segment in segmentation.segments { classes[segment.id] = classOfCategory[segment.category] }
    let labels = try LabelMap(classes).apply(to: segmentation.ids, path: path)
    let things = Set(fileCategories.filter(\.isThing).map(\.id))
    let counted = Set(segmentation.segments.filter { !$0.isCrowd && things.contains($0.category) }.map(\.id))
    let instances = Labels(size, segmentation.ids.values.map { counted.contains($0) ? $0 : 0 })
    return SegmentationSample(image: image, labels: labels, instances: instances, name: name(at: index))
  }
}
