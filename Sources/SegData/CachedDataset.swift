import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics

/// A data set whose samples are kept on disk once they were made: for data that take longer to make than to read.
///
/// Images and labels are PNG files, which anything can open. A file that is missing or cannot be read is made again,
/// so the folder may be deleted at any time, and several processes may share it.
public struct CachedDataset: SegmentationDataset {
  private let base: any SegmentationDataset
  private let folder: URL
  private let keepsInstances: Bool
  private let keepsDepth: Bool

  /// A data set whose samples are kept on disk.
  ///
  /// - Parameters:
  ///   - base: what is cached.
  ///   - key: tells apart what must not be mixed up: the kind of data, its version, its size; it names the folder.
  ///   - keepsInstances: whether samples keep their instances; without them they take less room.
  ///   - keepsDepth: whether samples keep their depth, in 1/256 m up to 255.996 m.
  ///   - cache: the folder that holds all caches.
  /// - Throws: `FileError` if the folder cannot be made.
  public init(
    _ base: any SegmentationDataset, key: String, keepsInstances: Bool = false, keepsDepth: Bool = false,
    in cache: URL = CachedDataset.place
  ) throws {
    self.base = base
    self.keepsInstances = keepsInstances
    self.keepsDepth = keepsDepth
    folder = cache.appendingPathComponent(key)
    guard (try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)) != nil else {
      throw FileError(
        path: folder.relativePath, kind: .unwritable,
        problem: "expected a folder for cached data that can be made (SEGKERNELS_CACHE names another place)")
    }
  }

  /// `SEGKERNELS_CACHE`, else `segkernels` in the user's cache folder.
  public static var place: URL {
    let environment = ProcessInfo.processInfo.environment
    if let own = environment["SEGKERNELS_CACHE"] { return URL(fileURLWithPath: own) }
    let root = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
    return URL(fileURLWithPath: root).appendingPathComponent("segkernels")
  }

  public var classes: ClassTable { base.classes }
  public var categories: [PanopticCategory]? { keepsInstances ? base.categories : nil }
  public var count: Int { base.count }
  public func name(at index: Int) -> String { base.name(at: index) }

  public func sample(at index: Int) throws -> SegmentationSample {
    let name = base.name(at: index)
    if let sample = kept(name) { return sample }
    let sample = try base.sample(at: index)
    // A full disk is no reason to stop: the sample is there.
    try? sample.image.writePNG(to: file(name), overwrite: true)
    try? sample.labels.writeIndexedPNG(to: file(name, "-labels"), palette: classes.palette, overwrite: true)
    if keepsInstances { try? sample.instances?.writeGray16PNG(to: file(name, "-instances"), overwrite: true) }
    if keepsDepth, let depth = sample.depth {
      try? DepthFile.write(depth, to: file(name, "-depth"), overwrite: true)
      // What is read later is what was given at first.
      if let sample = kept(name) { return sample }
    }
    return SegmentationSample(
      image: sample.image, labels: sample.labels, instances: keepsInstances ? sample.instances : nil,
      depth: keepsDepth ? sample.depth : nil, name: name)
  }

  private func file(_ name: String, _ part: String = "") -> URL { folder.appendingPathComponent(name + part + ".png") }

  /// A sample from its files; nil where one is missing or does not fit.
  private func kept(_ name: String) -> SegmentationSample? {
    guard let image = try? Image(contentsOf: file(name)), let labels = try? Labels(contentsOf: file(name, "-labels")),
      labels.shape == [image.height, image.width], (try? classes.validate(labels, path: name)) != nil
    else { return nil }
    let instances = keepsInstances ? try? Labels(contentsOf: file(name, "-instances")) : nil
    let depth = keepsDepth ? try? DepthFile.read(file(name, "-depth")) : nil
    guard !keepsInstances || instances?.shape == labels.shape, !keepsDepth || depth?.shape == labels.shape else {
      return nil
    }
    return SegmentationSample(image: image, labels: labels, instances: instances, depth: depth, name: name)
  }
}
