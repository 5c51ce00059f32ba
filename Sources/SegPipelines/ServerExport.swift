import Foundation
import SegData
import SegFiles
import SegImages
import SegKernels
import SegMetrics

/// The files that benchmark servers and their tools take.
public enum ServerFormat: String, CaseIterable, Sendable {
  /// `<city>_<sequence>_<frame>_labelIds.png`: grey, Cityscapes' labelIds.
  case cityscapes
  /// `<stem>.png`: grey, the class plus one.
  case ade20k
  /// `<stem>.png`: a palette PNG of the class, in VOC's colours.
  case voc
  /// `panoptic.json` and a folder `panoptic` of PNGs, the categories Cityscapes' labelIds.
  case cityscapesPanoptic = "cityscapes-panoptic"
  /// The same with COCO's 133 categories.
  case cocoPanoptic = "coco-panoptic"

  /// The classes that a network must know.
  public var classes: ClassTable {
    switch self {
    case .cityscapes, .cityscapesPanoptic: .cityscapes
    case .ade20k: .ade20K
    case .voc: .voc
    case .cocoPanoptic: .cocoPanoptic
    }
  }

  /// The categories of panoptic files; nil for the others.
  var categories: [PanopticCategory]? {
    switch self {
    case .cityscapesPanoptic: Cityscapes.categories
    case .cocoPanoptic: COCOPanoptic.categories
    default: nil
    }
  }
}

/// Writes predictions as a benchmark server takes them, one image after the other.
///
/// Panoptic files come from classes alone: `PanopticSegmentation(semantic:categories:)` says what that is worth.
public final class ServerExport {
  private let format: ServerFormat
  private let folder: URL
  private let overwrite: Bool
  private let translation: [Int32]
  private let panoptic: COCOPanopticWriter?

  /// A writer of files in a benchmark's form.
  ///
  /// - Parameters:
  ///   - format: the benchmark's.
  ///   - classes: of the labels that will come.
  ///   - folder: where the files go; made if need be.
  ///   - overwrite: replace files that exist.
  /// - Throws: `UsageError` if the classes are not the benchmark's, `FileError` if the folder cannot be made or holds
  ///   `panoptic.json` already.
  public init(_ format: ServerFormat, classes: ClassTable, folder: URL, overwrite: Bool = false) throws {
    let table = format.classes
    guard let translation = classes.translationOrNumbers(to: table) else {
      throw UsageError(
        "the weights know \(classes.count) classes, the format '\(format.rawValue)' takes \(table.count): "
          + table.names.prefix(5).joined(separator: ", ") + ", …")
    }
    try folder.makeFolder()
    panoptic = try format.categories.map {
      try COCOPanopticWriter(folder.appendingPathComponent("panoptic.json"), categories: $0, overwrite: overwrite)
    }
    self.format = format
    self.folder = folder
    self.overwrite = overwrite
    self.translation = translation
  }

  /// Writes the file of one photograph.
  ///
  /// - Returns: the file.
  /// - Throws: `FileError`.
  public func add(_ labels: Labels, photo: String) throws -> URL {
    let stem = (photo as NSString).deletingPathExtension
    let frame = stem.hasSuffix("_leftImg8bit") ? String(stem.dropLast("_leftImg8bit".count)) : stem
    let labels = Labels(labels.shape, labels.values.map { translation[Int($0)] })
    func file(_ name: String) -> URL { folder.appendingPathComponent(name) }
    switch format {
    case .cityscapes:
      let url = file(frame + "_labelIds.png"), ids = labels.values.map { Cityscapes.labelIDs[Int($0)] }
      try Labels(labels.shape, ids).writeGray8PNG(to: url, overwrite: overwrite)
      return url
    case .ade20k:
      let url = file(stem + ".png")
      try Labels(labels.shape, labels.values.map { $0 + 1 }).writeGray8PNG(to: url, overwrite: overwrite)
      return url
    case .voc:
      let url = file(stem + ".png")
      try labels.writeIndexedPNG(to: url, palette: .voc(count: 256), overwrite: overwrite)
      return url
    case .cityscapesPanoptic, .cocoPanoptic:
      let segmentation = PanopticSegmentation(semantic: labels, categories: format.categories!)
      let name = format == .cocoPanoptic ? stem : frame
      return try panoptic!.add(
        segmentation, image: name, photo: photo, file: format == .cocoPanoptic ? stem + ".png" : frame + "_panoptic.png"
      )
    }
  }

  /// Writes what only the whole of the images makes: the JSON of panoptic formats.
  public func finish() throws { try panoptic?.finish() }
}
