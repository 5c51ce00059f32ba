import Foundation
import SegData
import SegFiles
import SegKernels

/// A data set as the command line names it: `KIND` or `KIND:FOLDER`.
public struct DataSource: Sendable, Hashable {
  /// The kind of data set.
  public let kind: String
  /// Nil for the place of the research data.
  public let root: URL?

  /// Kinds that can be read.
  public static let kinds = ["camvid", "streets"]

  /// - Throws: `UsageError` for an unknown kind.
  public init(_ text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    try self.init(kind: parts[0], root: parts.count > 1 ? parts[1] : "")
  }

  /// - Parameter root: a folder, or "" for the place of the research data.
  public init(kind: String, root: String) throws {
    guard DataSource.kinds.contains(kind) else {
      throw UsageError("unknown kind of data '\(kind)'; expected one of \(DataSource.kinds.joined(separator: ", "))")
    }
    self.kind = kind
    self.root = root.isEmpty ? nil : URL(fileURLWithPath: root)
  }

  /// Where research data are looked for: `SEGKERNELS_RESEARCH_DATA`, else `../shared/data`.
  public static var researchData: URL {
    URL(fileURLWithPath: ProcessInfo.processInfo.environment["SEGKERNELS_RESEARCH_DATA"] ?? "../shared/data")
  }

  /// The terms of the data, for the card of weights that are trained on them.
  public var terms: String {
    switch kind {
    case "camvid": "CamVid: CC BY-NC 4.0, personal and research use only"
    case "streets": "none: made by this package"
    default: ""
    }
  }

  /// Opens a split.
  ///
  /// - Throws: `FileError`.
  public func dataset(split: String) throws -> any SegmentationDataset {
    switch kind {
    case "camvid": try CamVid(root: root ?? DataSource.researchData.appendingPathComponent("camvid"), split: split)
    case "streets": StreetScenes(split: split, size: root == nil ? [256, 512] : [512, 1024])
    default: throw UsageError("unknown kind of data '\(kind)'")
    }
  }
}
