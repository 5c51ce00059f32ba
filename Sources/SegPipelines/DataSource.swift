import Foundation
import SegData
import SegFiles
import SegKernels

/// A data set as the command line names it: `KIND` or `KIND:FOLDER`; for made-up streets `streets` or `streets:SEED`.
public struct DataSource: Sendable, Hashable {
  /// The kind of data set.
  public let kind: String
  /// Nil for the place of the research data.
  public let root: URL?
  /// The seed of streets.
  private let seed: UInt64

  /// Kinds that can be read.
  public static let kinds = ["camvid", "cityscapes", "streets"]

  /// - Throws: `UsageError` for an unknown kind.
  public init(_ text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    try self.init(kind: parts[0], root: parts.count > 1 ? parts[1] : "")
  }

  /// - Parameter root: a folder, or "" for the place of the research data; for streets a seed, or "" for 1.
  public init(kind: String, root: String) throws {
    guard DataSource.kinds.contains(kind) else {
      throw UsageError("unknown kind of data '\(kind)'; expected one of \(DataSource.kinds.joined(separator: ", "))")
    }
    self.kind = kind
    if kind == "streets" {
      guard let seed = root.isEmpty ? 1 : UInt64(root) else {
        throw UsageError("expected a seed after 'streets:', found '\(root)'")
      }
      (self.seed, self.root) = (seed, nil)
      return
    }
    seed = 0
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
    case "cityscapes": "Cityscapes: its own licence agreement, non-commercial research and teaching only"
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
    case "cityscapes":
      try Cityscapes(root: root ?? DataSource.researchData.appendingPathComponent("cityscapes-quarter"), split: split)
    case "streets": try streets(split: split)!.cached()
    default: throw UsageError("unknown kind of data '\(kind)'")
    }
  }

  /// The streets of a split as they are made; nil for other data.
  func streets(split: String) -> StreetScenes? { kind == "streets" ? StreetScenes(split: split, seed: seed) : nil }
}
