import Foundation
import SegData
import SegFiles
import SegKernels

/// `segkernels render`: made-up streets written to disk, in the layout of a data set that other programs know.
public struct StreetWriting: Sendable, Codable {
  /// Layouts by their names.
  public enum Layout: String, Sendable, Codable, CaseIterable {
    /// Single frames and clips, with labels, instances, disparity, flow and occlusion.
    case cityscapes
    /// Clips, as sequences `00`, `01`, …, with stereo, depth and poses.
    case kitti
  }

  /// What to render.
  public struct Plan: Sendable {
    /// Single frames, from the first on; for Cityscapes' layout alone.
    public var stills = 0
    /// Clips, from the first on, and frames in each.
    public var clips = 0
    /// See ``clips``.
    public var frames = 64
    /// Of clips in Cityscapes' layout, every how many frames are annotated.
    public var interval = 1
    /// Rows and columns.
    public var size: Pair = [256, 512]

    /// Nothing to render yet.
    public init() {}
  }

  /// Pictures of single frames, and of clips.
  public let stills: Int
  /// See ``stills``.
  public let clipFrames: Int
  /// Where they are.
  public let folder: String

  /// Renders and writes.
  ///
  /// - Parameters:
  ///   - source: streets.
  ///   - split: the split's name.
  ///   - layout: whose folders and formats are written.
  ///   - plan: what to render.
  ///   - folder: where the files go; made if need be.
  ///   - overwrite: write into a folder that holds something, and replace its files.
  ///   - report: called with the number of frames done.
  /// - Throws: `UsageError` for other data than streets and for plans that make no sense; `FileError` if the folder is
  ///   not empty or cannot be written.
  public init(
    _ source: DataSource, split: String, layout: Layout, _ plan: Plan, to folder: URL, overwrite: Bool = false,
    _ report: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws {
    guard plan.frames > 0, plan.interval > 0, plan.size.height >= 16, plan.size.width >= 16 else {
      throw UsageError(
        "expected frames and an interval above 0 and pictures of 16×16 or more, found \(plan.frames), \(plan.interval), \(plan.size)"
      )
    }
    guard let streets = source.streets(split: split, size: plan.size) else {
      throw UsageError("streets alone can be rendered, not '\(source.kind)'")
    }
    guard plan.stills >= 0, plan.clips >= 0, plan.stills + plan.clips > 0 else {
      throw UsageError("expected single frames or clips to render, found \(plan.stills) and \(plan.clips)")
    }
    guard plan.stills <= streets.count else {
      throw UsageError("--stills: expected at most \(streets.count), found \(plan.stills)")
    }
    guard layout == .cityscapes || plan.stills == 0 else {
      throw UsageError("--stills: KITTI's layout holds sequences alone")
    }
    if !overwrite, let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path), !names.isEmpty {
      throw FileError(
        path: folder.relativePath, kind: .unwritable,
        problem: "expected an empty or new folder, found \(names.count) files in it (--force writes there all the same)"
      )
    }
    stills = plan.stills
    clipFrames = plan.clips * plan.frames
    self.folder = folder.relativePath
    let total = stills + clipFrames
    for index in 0..<plan.stills {
      try streets.writeCityscapes(at: index, to: folder, overwrite: overwrite)
      report(index + 1, total)
    }
    for number in 0..<plan.clips {
      let clip = streets.clip(at: number, frames: plan.frames), before = plan.stills + number * plan.frames
      switch layout {
      case .cityscapes:
        try clip.writeCityscapes(
          to: folder, split: split, number: number, annotatingEvery: plan.interval, overwrite: overwrite
        ) { report(before + $0, total) }
      case .kitti:
        try clip.writeKITTI(to: folder, sequence: String(format: "%02d", number), overwrite: overwrite) {
          report(before + $0, total)
        }
      }
    }
  }
}
