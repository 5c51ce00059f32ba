import Foundation
import SegData
import SegFiles
import SegKernels

/// A data set as the command line names it: `KIND` or `KIND:FOLDER`; for made-up streets `streets`, `streets:SEED`,
/// `streets:DOMAIN` or `streets:SEED:DOMAIN`; for one's own data `folder:ROOT` or `folder:IMAGES,LABELS`.
/// Documentation/Data.md describes each kind.
public struct DataSource: Sendable, Hashable {
  /// The kind of data set.
  public let kind: String
  /// The folder, of two the images'; nil for the place of the research data.
  public let root: URL?
  /// The labels' folder where two were given.
  private let labels: URL?
  /// Of streets: the seed, the domains, and whether a sensor's effects are simulated.
  private let look: StreetLook

  /// Kinds that can be read.
  public static let kinds = labelledKinds + frameKinds
  /// Kinds that have a class a pixel.
  private static let labelledKinds = [
    "streets", "camvid", "cityscapes", "ade20k", "voc", "pascal-context", "coco-panoptic", "nyud", "folder",
  ]
  /// What kinds are called among the research data.
  private static let researchFolders = [
    "camvid": "camvid", "cityscapes": "cityscapes-quarter", "kitti-object": "kitti-lidar",
  ]
  /// Kinds that have frames alone.
  private static let frameKinds = ["kitti-odometry", "kitti-raw", "kitti-object", "video"]

  /// Data as `--data` names them, `KIND` or `KIND:ROOT`.
  ///
  /// - Throws: `UsageError` for an unknown kind.
  public init(_ text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    try self.init(kind: parts[0], root: parts.count > 1 ? parts[1] : "")
  }

  /// A data set by its kind and place, as `KIND:ROOT` names it.
  ///
  /// - Parameters:
  ///   - kind: one of ``kinds``.
  ///   - root: a folder, or "" for the place of the research data; for streets a seed, domains, `perfect`, or some of
  ///     them with a colon between; for `folder` perhaps two with a comma between.
  public init(kind: String, root: String) throws {
    guard DataSource.kinds.contains(kind) else {
      throw UsageError("unknown kind of data '\(kind)'; expected one of \(DataSource.kinds.joined(separator: ", "))")
    }
    self.kind = kind
    if kind == "streets" {
      (look, self.root, labels) = (try StreetLook(root), nil, nil)
      return
    }
    look = StreetLook()
    let folders = kind == "folder" ? root.split(separator: ",").map(String.init) : root.isEmpty ? [] : [root]
    guard folders.count <= 2 else {
      throw UsageError("expected folder:ROOT or folder:IMAGES,LABELS, found \(folders.count) folders")
    }
    self.root = folders.first.map { URL(fileURLWithPath: $0) }
    labels = folders.count > 1 ? URL(fileURLWithPath: folders[1]) : nil
  }

  /// Where research data are looked for: `SEGKERNELS_RESEARCH_DATA`, else `../shared/data`.
  public static var researchData: URL {
    URL(fileURLWithPath: ProcessInfo.processInfo.environment["SEGKERNELS_RESEARCH_DATA"] ?? "../shared/data")
  }

  /// What the data are called in a report, which may be published: the folder's own name, not where it lies.
  var title: String { root?.lastPathComponent ?? DataSource.researchFolders[kind] ?? kind }

  /// The terms of the data, for the card of weights that are trained on them.
  public var terms: String {
    switch kind {
    case "camvid": "CamVid: CC BY-NC 4.0, personal and research use only"
    case "cityscapes": "Cityscapes: its own licence agreement, non-commercial research and teaching only"
    case "streets": "none: made by this package"
    case "folder": ""
    default: "those of the makers of \(kind)"
    }
  }

  /// Opens a split; of `SPLIT:PREFIX` the samples whose names begin so, of `SPLIT:-PREFIX` all the others: a drive to
  /// tune on, and the rest to learn from.
  ///
  /// - Parameters:
  ///   - split: its name, perhaps with a prefix.
  ///   - keepsInstances: whether samples of streets keep their things apart; other data do if they can.
  ///   - keepsDepth: whether samples have their depth, where the data tell one.
  /// - Throws: `FileError`; `UsageError` where a folder must be named, for data without labels, and where no sample is
  ///   left.
  public func dataset(
    split: String, keepsInstances: Bool = false, keepsDepth: Bool = false
  ) throws -> any SegmentationDataset {
    let parts = split.split(separator: ":", maxSplits: 1)
    guard parts.count == 2 else { return try wholeDataset(split: split, keepsInstances, keepsDepth) }
    let isExcluded = parts[1].hasPrefix("-"), prefix = isExcluded ? parts[1].dropFirst() : parts[1]
    let whole = try wholeDataset(split: String(parts[0]), keepsInstances, keepsDepth)
    let selection = DatasetSelection(whole) { $0.hasPrefix(prefix) != isExcluded }
    guard selection.count > 0 else {
      throw UsageError("split '\(split)': none of \(whole.count) samples is left; the first is '\(whole.name(at: 0))'")
    }
    return selection
  }

  /// Whether samples can have a depth beside their classes.
  var hasDepth: Bool { kind == "streets" || kind == "nyud" }

  private func wholeDataset(
    split: String, _ keepsInstances: Bool, _ keepsDepth: Bool
  ) throws -> any SegmentationDataset {
    switch kind {
    case "streets":
      return try streets(split: split)!.cached(
        keepsInstances: keepsInstances, keepsDepth: keepsDepth)
    case "camvid": return try CamVid(root: folder(), split: split)
    case "cityscapes": return try Cityscapes(root: folder(), split: split)
    case "ade20k": return try ADE20K(root: folder(), split: split)
    case "voc": return try PascalVOC(root: folder(), split: split)
    case "pascal-context": return try PascalContext(root: folder(), split: split)
    case "coco-panoptic": return try COCOPanoptic(root: folder(), split: split)
    case "nyud": return try NYUDepth(root: folder(), split: split, keepsDepth: keepsDepth)
    case "folder":
      guard let labels else { return try FolderDataset(root: folder(), split: split) }
      let beside = labels.deletingLastPathComponent(), mapping = beside.appendingPathComponent("mapping.txt")
      return try FolderDataset(
        images: folder(), labels: labels, classes: beside.appendingPathComponent("classes.txt"),
        mapping: FileManager.default.fileExists(atPath: mapping.path) ? mapping : nil)
    default: throw UsageError("expected data with labels, found '\(kind)', which has frames alone")
    }
  }

  /// The frames of data without labels; nil for other kinds.
  ///
  /// - Parameter split: the sequence, drive or split of KITTI; of no meaning for a video.
  /// - Throws: `FileError`; `UsageError` where a folder must be named.
  public func frames(split: String) throws -> (any FrameSequence)? {
    switch kind {
    case "kitti-odometry": try KITTIOdometry(root: folder(), sequence: split)
    case "kitti-raw": try KITTIRaw(root: folder(), drive: split)
    case "kitti-object": try KITTIObject(root: folder(), split: split)
    case "video": try FrameFolder(folder())
    default: nil
    }
  }

  /// The folder that was given; by default, for some kinds, that of the research data.
  private func folder() throws -> URL {
    if let root { return root }
    guard let name = DataSource.researchFolders[kind] else {
      throw UsageError("expected the folder of the data, '\(kind):FOLDER', found '\(kind)' alone")
    }
    return DataSource.researchData.appendingPathComponent(name)
  }

  /// The streets of a split as they are made; nil for other data.
  func streets(split: String, size: Pair = [256, 512]) -> StreetScenes? {
    guard kind == "streets" else { return nil }
    return StreetScenes(
      split: split, size: size, domains: look.domains, hasSensor: look.hasSensor, seed: look.seed)
  }
}

/// Which streets, in what light, by what camera.
private struct StreetLook: Hashable {
  var seed: UInt64 = 1
  var domains = StreetDomain.usual
  var hasSensor = true

  init() {}

  /// Reads `7`, `night`, `7:fog`, `clear+rain`, `7:clear:perfect`.
  init(_ text: String) throws {
    for part in text.split(separator: ":") {
      if let seed = UInt64(part) {
        self.seed = seed
      } else if part == "perfect" {
        hasSensor = false
      } else {
        domains = try part.split(separator: "+").map { name in
          guard let domain = StreetDomain(rawValue: String(name)) else {
            let names = StreetDomain.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageError(
              "expected a seed, domains (\(names); + between several) or 'perfect' after 'streets:', found '\(name)'")
          }
          return domain
        }
      }
    }
  }
}
