import SegImages
import SegMetrics

/// Those samples of a data set whose names pass a test, in their order: one drive of many, for instance.
public struct DatasetSelection: SegmentationDataset {
  private let base: any SegmentationDataset
  private let indices: [Int]

  /// The samples of a data set whose names are chosen.
  ///
  /// - Parameters:
  ///   - base: the whole data set.
  ///   - isIncluded: whether the sample of a name belongs to the selection.
  public init(_ base: any SegmentationDataset, where isIncluded: (String) -> Bool) {
    self.base = base
    indices = (0..<base.count).filter { isIncluded(base.name(at: $0)) }
  }

  public var classes: ClassTable { base.classes }
  public var categories: [PanopticCategory]? { base.categories }
  public var count: Int { indices.count }
  public func name(at index: Int) -> String { base.name(at: indices[index]) }
  public func sample(at index: Int) throws -> SegmentationSample { try base.sample(at: indices[index]) }
}
