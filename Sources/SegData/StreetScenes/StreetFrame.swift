import SegImages
import SegKernels

/// One picture of a street with everything that is known of it.
public struct StreetFrame: Sendable {
  /// The photograph.
  public let image: Image
  /// A class a pixel, H×W: Cityscapes' trainIds, 255 for what belongs to none.
  public let labels: Labels
  /// Cityscapes' instance ids, H×W: `labelId · 1000 + n` for the n-th thing of a class; the bare labelId for stuff, for
  /// void, and for groups of things too dense to be counted.
  public let instances: Labels
  /// Metres along the viewing axis, H×W; 0 for the sky.
  public let depth: Tensor
  /// Where the picture was taken from.
  public let camera: StreetCamera
  /// The light.
  public let domain: StreetDomain
  /// What to call it in messages.
  public let name: String

  /// Columns by which each point lies farther left in a camera that stands `baseline` metres to the right: f·W·B / depth,
  /// H×W; 0 for the sky.
  public func disparity(baseline: Float = StreetClip.baseline) -> Tensor {
    let scale = camera.focalLength * Float(depth.shape[1]) * baseline
    return Tensor(depth.shape, depth.scalars.map { $0 > 0 ? scale / $0 : 0 })
  }
}
