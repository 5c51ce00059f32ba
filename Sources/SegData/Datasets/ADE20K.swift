import Foundation
import SegFiles
import SegImages
import SegKernels

/// ADE20K's scene parsing benchmark in its own layout: `images/training` and `images/validation` with
/// `annotations/…` beside, whose pixels are 1…150 for the classes and 0 for all else, which is ignored.
///
/// Zhou et al., "Scene Parsing through ADE20K Dataset", 2017 (SceneParse150, `ADEChallengeData2016`).
public struct ADE20K: SegmentationDataset {
  public let classes = ClassTable.ade20K
  private let files: AnnotatedImages

  /// Lists a split.
  ///
  /// - Parameters:
  ///   - root: `ADEChallengeData2016`, or the folder that holds it.
  ///   - split: `train` or `training`, `val` or `validation`.
  /// - Throws: `FileError` if a folder is missing or empty, or a file has no partner.
  public init(root: URL, split: String) throws {
    let root = root.entering("ADEChallengeData2016"), name = ["train": "training", "val": "validation"][split] ?? split
    files = try AnnotatedImages(images: root.below("images/\(name)"), annotations: root.below("annotations/\(name)"))
  }

  public var count: Int { files.count }
  public func name(at index: Int) -> String { files.name(at: index) }
  public func sample(at index: Int) throws -> SegmentationSample {
    try files.sample(at: index, classes: classes, map: ADE20K.map)
  }

  private static let map = LabelMap.fromOne(count: ClassTable.ade20K.count)
}
