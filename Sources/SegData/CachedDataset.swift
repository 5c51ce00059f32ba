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

  /// - Parameters:
  ///   - key: tells apart what must not be mixed up: the kind of data, its version, its size; it names the folder.
  ///   - keepsInstances: whether samples keep their instances; without them they take less room.
  /// - Throws: `FileError` if the folder cannot be made.
  public init(
    _ base: any SegmentationDataset, key: String, keepsInstances: Bool = false, in cache: URL = CachedDataset.place
  ) throws {
    self.base = base
    self.keepsInstances = keepsInstances
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
    let image = folder.appendingPathComponent(name + ".png"),
      labels = folder.appendingPathComponent(name + "-labels.png"),
      instances = folder.appendingPathComponent(name + "-instances.png")
    if let image = try? Image(contentsOf: image), let labels = try? Labels(contentsOf: labels),
      labels.shape == [image.height, image.width], (try? classes.validate(labels, path: name)) != nil
    {
      if !keepsInstances { return SegmentationSample(image: image, labels: labels, name: name) }
      if let instances = try? Labels(contentsOf: instances), instances.shape == labels.shape {
        return SegmentationSample(image: image, labels: labels, instances: instances, name: name)
      }
    }
    let sample = try base.sample(at: index)
    // A full disk is no reason to stop: the sample is there.
    try? sample.image.writePNG(to: image, overwrite: true)
    try? sample.labels.writeIndexedPNG(to: labels, palette: classes.palette, overwrite: true)
    if keepsInstances { try? sample.instances?.writeGray16PNG(to: instances, overwrite: true) }
    return sample
  }
}
