import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics

/// NYU Depth v2 with Gupta's 40 classes, in the folders that multi-task papers use: `gt_sets/<split>.txt` lists names,
/// `images` holds photographs, `segmentation` PNGs of 1…40 with 0 ignored, and `depth` either 16-bit PNGs in
/// millimetres or `.npy` files in metres, 0 where nothing was measured.
///
/// The makers' one MATLAB file is not read.
///
/// Silberman et al., "Indoor Segmentation and Support Inference from RGBD Images", 2012; Gupta, Arbeláez and Malik,
/// "Perceptual Organization and Recognition of Indoor Scenes from RGB-D Images", 2013.
public struct NYUDepth: SegmentationDataset {
  public let classes = ClassTable.nyuDepth40
  private let files: AnnotatedImages
  private let depths: URL
  private let keepsDepth: Bool

  /// The colour camera at 640×480, onto whose pixels the depth of the labelled frames was projected (the makers'
  /// toolbox, `camera_params.m`).
  public static let camera = PinholeCamera(
    fx: 518.85790117450188, fy: 519.46961112127485, cx: 325.58244941119034, cy: 253.73616633400465)

  /// Reads the list of a split.
  ///
  /// - Parameters:
  ///   - root: the folder that holds `gt_sets`, `images`, `segmentation` and `depth`.
  ///   - split: the name of a list in `gt_sets`.
  ///   - keepsDepth: whether samples have their depth.
  /// - Throws: `FileError` if the list or a file of it is missing. Depth is looked for when it is asked for.
  public init(root: URL, split: String, keepsDepth: Bool = false) throws {
    files = try AnnotatedImages(
      list: root.below("gt_sets/\(split).txt"), images: root.below("images"),
      annotations: [root.below("segmentation")])
    depths = root.below("depth")
    self.keepsDepth = keepsDepth
  }

  public var count: Int { files.count }
  public func name(at index: Int) -> String { files.name(at: index) }
  public func sample(at index: Int) throws -> SegmentationSample {
    let sample = try files.sample(at: index, classes: classes, map: NYUDepth.map)
    guard keepsDepth else { return sample }
    return SegmentationSample(
      image: sample.image, labels: sample.labels, depth: try depth(at: index), name: sample.name)
  }

  /// The depth of a frame, H×W, in metres; 0 where nothing was measured.
  ///
  /// - Throws: `FileError` if there is none, or it has another size than the labels.
  public func depth(at index: Int) throws -> Tensor {
    let annotation = files.pairs[index].annotation
    let stem = annotation.deletingPathExtension().lastPathComponent
    guard let file = depths.file(stem, ["png", "npy"]) else {
      throw FileError(
        path: depths.relativePath, kind: .missing, problem: "expected \(stem).png or \(stem).npy, found neither")
    }
    let depth = try DepthFile.read(file, divisor: 1000), size = try Labels(contentsOf: annotation).shape
    guard depth.shape == size else {
      throw FileError(path: file.relativePath, problem: "expected depth of \(size), found \(depth.shape)")
    }
    return depth
  }

  private static let map = LabelMap.fromOne(count: ClassTable.nyuDepth40.count)
}
