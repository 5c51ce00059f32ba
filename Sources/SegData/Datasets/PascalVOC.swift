import Foundation
import SegFiles
import SegImages
import SegKernels

/// PASCAL VOC's segmentation task: `ImageSets/Segmentation/<split>.txt` lists images of `JPEGImages`, whose classes
/// `SegmentationClass` holds, 255 where a pixel is ignored (the rims of objects, and difficult ones).
///
/// Images that have no annotation there are looked for in `SegmentationClassAug`, where the customary `trainaug` keeps
/// those of the Semantic Boundaries Dataset.
///
/// Everingham et al., "The PASCAL Visual Object Classes Challenge: A Retrospective", 2015.
public struct PascalVOC: SegmentationDataset {
  public let classes = ClassTable.voc
  private let files: AnnotatedImages

  /// Reads the list of a split.
  ///
  /// - Parameters:
  ///   - root: `VOC2012`, or `VOCdevkit`, or the folder that holds it.
  ///   - split: the name of the list.
  /// - Throws: `FileError` if the list or a file of it is missing.
  public init(root: URL, split: String) throws {
    let root = root.entering("VOCdevkit", "VOC2012")
    files = try AnnotatedImages(
      list: root.below("ImageSets/Segmentation/\(split).txt"), images: root.below("JPEGImages"),
      annotations: [root.below("SegmentationClass"), root.below("SegmentationClassAug")])
  }

  public var count: Int { files.count }
  public func name(at index: Int) -> String { files.name(at: index) }
  public func sample(at index: Int) throws -> SegmentationSample { try files.sample(at: index, classes: classes) }
}
