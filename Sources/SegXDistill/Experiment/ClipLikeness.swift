import SegData
import SegImages
import SegKernels

/// How well real frames are told from their neighbours by a depth and the motions that were learnt with it: where no
/// depth is known, all that can be measured.
struct ClipLikeness {
  /// Of Cityscapes' frames, as shares of width and height (fx, fy, cx, cy): calibration as it is commonly quoted.
  private static let camera: [Float] = [2262.52 / 2048, 2265.30 / 1024, 1096.98 / 2048, 513.14 / 1024]
  /// Every how many frames one is looked at.
  private static let interval = 5

  /// Means over pixels and frames of the photometric error of the better neighbour: moved, and as it is.
  private(set) var moved = 0.0, still = 0.0

  /// Looks at frames of all clips; nil where there are none.
  ///
  /// - Parameter size: of the frames that the networks see.
  /// - Throws: what reading a frame throws.
  init?(_ network: DepthNetwork, _ pose: PoseNetwork, on clips: [any FrameSequence], size: Pair) throws {
    let extents = [size.width, size.height, size.width, size.height].map(Float.init)
    let intrinsics = Tensor([1, 4], zip(Self.camera, extents).map(*))
    var frames = 0
    for clip in clips {
      for index in stride(from: 1, to: clip.count - 1, by: Self.interval) {
        let images = try (index - 1...index + 1).map {
          Tensor(
            try clip.image(at: $0).resized(width: size.width, height: size.height), normalization: .unit)
        }
        let target = images[1], depth = network.configuration.depth(network(target))
        let views = [images[0], images[2]].enumerated().map { place, view in
          let motion = pose.motion(from: target, to: view, isForward: place == 1)
          return warp(view, depth: depth, intrinsics: intrinsics, motion: motion)
        }
        func best(_ views: [Tensor]) -> Double {
          Double(concatenate(views.map { photometricError(target, $0) }, axis: 1).minimum(axes: [1]).mean().scalar)
        }
        moved += best(views)
        still += best([images[0], images[2]])
        frames += 1
      }
    }
    guard frames > 0 else { return nil }
    moved /= Double(frames)
    still /= Double(frames)
  }
}
