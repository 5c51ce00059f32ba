import Foundation
import SegData
import SegImages
import SegKernels

/// What else is known of the scene of an image.
public struct DepthContext: Sendable {
  /// The image itself, with classes.
  public let sample: SegmentationSample
  /// The frames before and after, and the right camera's of the same moment if there is one.
  public let views: [Image]
  /// From the image's camera to each view's.
  public let motions: [Matrix3x4]
  /// In pixels of the image.
  public let intrinsics: PinholeCamera
  /// H×W metres, 0 where it is not known.
  public let depth: Tensor
}

/// Frames of StreetScenes' clips, each with its neighbours, poses and depth: what self-supervised depth learns from.
///
/// A clip of n frames gives n − 2 samples. Rendered frames stay in memory.
public final class DepthClips: SegmentationDataset, @unchecked Sendable {
  private let streets: StreetScenes
  private let clips: Int, frames: Int, hasStereo: Bool
  // Guarded by `lock`.
  private var rendered: [Int: [DepthContext]] = [:]
  private let lock = NSLock()

  /// Frames of clips, with their neighbours as views.
  ///
  /// - Parameters:
  ///   - streets: what clips are drawn from.
  ///   - clips: how many clips.
  ///   - frames: of each clip, at least 3.
  ///   - hasStereo: whether the right camera's frame is a view.
  public init(_ streets: StreetScenes, clips: Int, frames: Int = 8, hasStereo: Bool = false) {
    check(clips > 0 && frames >= 3, "DepthClips", "expected clips of at least 3 frames, found \(clips) of \(frames)")
    self.streets = streets
    self.clips = clips
    self.frames = frames
    self.hasStereo = hasStereo
  }

  public var classes: ClassTable { streets.classes }
  public var count: Int { clips * (frames - 2) }
  public func name(at index: Int) -> String { "\(streets.split)-\(index / (frames - 2))-\(index % (frames - 2) + 1)" }
  public func sample(at index: Int) -> SegmentationSample { context(at: index).sample }

  /// A sample by its name. Traps if there is none.
  public func context(named name: String) -> DepthContext {
    let numbers = name.split(separator: "-").suffix(2).compactMap { Int($0) }
    check(numbers.count == 2, "DepthClips", "no sample is called '\(name)'")
    return context(at: numbers[0] * (frames - 2) + numbers[1] - 1)
  }

  /// A sample with all that is known of it.
  public func context(at index: Int) -> DepthContext {
    let (number, place) = index.quotientAndRemainder(dividingBy: frames - 2)
    if let known = lock.withLock({ rendered[number] }) { return known[place] }
    let clip = streets.clip(at: number, frames: frames)
    let left = clip.frames(at: Array(0..<frames))
    let right = hasStereo ? clip.frames(at: Array(1..<frames - 1), eye: .right) : []
    let contexts = (1..<frames - 1).map { frame -> DepthContext in
      let views = [left[frame - 1], left[frame + 1]] + (hasStereo ? [right[frame - 1]] : [])
      let target = left[frame], name = self.name(at: number * (frames - 2) + frame - 1)
      return DepthContext(
        sample: SegmentationSample(image: target.image, labels: target.labels, name: name), views: views.map(\.image),
        motions: views.map { target.camera.motion(to: $0.camera) },
        intrinsics: target.camera.intrinsics(size: streets.size), depth: target.depth)
    }
    lock.withLock { rendered[number] = contexts }
    return contexts[place]
  }
}

extension RigidMotion {
  /// Motions as tensors, without gradient.
  public init(_ motions: [Matrix3x4]) {
    let numbers = motions.map { motion in motion.rows.map { row in (0..<4).map { Float(row[$0]) } } }
    self.init(
      rotation: Tensor([motions.count, 3, 3], numbers.flatMap { $0.flatMap { $0.prefix(3) } }),
      translation: Tensor([motions.count, 3], numbers.flatMap { $0.map { $0[3] } }))
  }
}

extension Tensor {
  /// N×4: fx, fy, cx, cy of cameras, as warping takes them.
  public init(_ cameras: [PinholeCamera]) {
    self.init([cameras.count, 4], cameras.flatMap { [Float($0.fx), Float($0.fy), Float($0.cx), Float($0.cy)] })
  }
}
