import Foundation
import SegFiles
import SegImages
import SegKernels

/// Pascal Context with its 59 frequent classes, as the field keeps it in VOC 2010's folder:
/// `ImageSets/SegmentationContext/<split>.txt` lists images of `JPEGImages`; `SegmentationClassContext` holds 1…59 for
/// the classes in the order of the alphabet, 0 for the background of all others. Background and 255 are ignored.
///
/// The 459 labels of the published `.mat` files are not read. Older conversions put VOC's classes first: their numbers
/// mean other classes, and nothing in the files tells.
///
/// Mottaghi et al., "The Role of Context for Object Detection and Semantic Segmentation in the Wild", 2014.
public struct PascalContext: SegmentationDataset {
  public let classes = ClassTable.pascalContext
  private let files: AnnotatedImages

  /// Reads the list of a split.
  ///
  /// - Parameters:
  ///   - root: `VOC2010`, or `VOCdevkit`, or the folder that holds it.
  ///   - split: the name of the list.
  /// - Throws: `FileError` if the list or a file of it is missing.
  public init(root: URL, split: String) throws {
    let root = root.entering("VOCdevkit", "VOC2010")
    files = try AnnotatedImages(
      list: root.below("ImageSets/SegmentationContext/\(split).txt"), images: root.below("JPEGImages"),
      annotations: [root.below("SegmentationClassContext")])
  }

  public var count: Int { files.count }
  public func name(at index: Int) -> String { files.name(at: index) }
  public func sample(at index: Int) throws -> SegmentationSample {
    try files.sample(at: index, classes: classes, map: PascalContext.map)
  }

  private static let map = LabelMap.fromOne(count: ClassTable.pascalContext.count, alsoIgnoring: 255)
}
