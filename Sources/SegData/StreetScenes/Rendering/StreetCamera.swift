import Foundation
import SegKernels

/// A pinhole camera: where it stands, where it looks, and how wide.
///
/// A point at (x, y, z) right of, above and ahead of it (metres) falls on column W/2 + f·x/z and row H/2 − f·y/z, where
/// f = `focalLength` · W and pixel centres lie at halves.
public struct StreetCamera: Sendable, Hashable {
  /// The place in the world: x right, y up, z ahead; metres.
  public let position: SIMD3<Float>
  /// Unit vectors of the camera in the world.
  public let right: SIMD3<Float>, up: SIMD3<Float>, ahead: SIMD3<Float>
  /// Focal length over the image's width: the picture is 2·atan(1/(2f)) wide.
  public let focalLength: Float

  init(_ frame: Frame, focalLength: Float) {
    position = frame.origin
    right = frame.right
    up = frame.up
    ahead = frame.ahead
    self.focalLength = focalLength
  }

  /// A point as the camera has it: metres to the right, up and ahead.
  @inline(__always) func view(_ point: Vector) -> Vector {
    let offset = point - position
    return Vector(dot(offset, right), dot(offset, up), dot(offset, ahead))
  }

  /// The way from the camera to a place in the image, one metre ahead.
  @inline(__always) func ray(x: Float, y: Float, size: Pair) -> Vector {
    let scale = 1 / (focalLength * Float(size.width))
    return ahead + right * ((x - Float(size.width) / 2) * scale) - up * ((y - Float(size.height) / 2) * scale)
  }
}

// The camera as those have it who write matrices: x to the right, y down, z ahead.
extension StreetCamera {
  /// Focal lengths and principal point of a picture of a size, from the centre of the first pixel.
  public func intrinsics(size: Pair) -> PinholeCamera {
    let focal = Double(focalLength) * Double(size.width)
    return PinholeCamera(
      fx: focal, fy: focal, cx: Double(size.width) / 2 - 0.5, cy: Double(size.height) / 2 - 0.5)
  }

  /// [R | t] from the world to the camera, metres. Both have x to the right, y down and z ahead: the world's y is minus
  /// the height of ``position``.
  public var worldToCamera: Matrix3x4 {
    func turned(_ axis: SIMD3<Float>) -> SIMD3<Double> { [Double(axis.x), -Double(axis.y), Double(axis.z)] }
    func unit(_ axis: SIMD3<Double>) -> SIMD3<Double> { axis / (axis * axis).sum().squareRoot() }
    // Single precision leaves the axes a little askew, and a rotation must have none of that.
    let ahead = unit(turned(ahead)), sideways = turned(right)
    let right = unit(sideways - ahead * (sideways * ahead).sum())
    let down = SIMD3(
      ahead.y * right.z - ahead.z * right.y, ahead.z * right.x - ahead.x * right.z,
      ahead.x * right.y - ahead.y * right.x)
    let axes = [right, down, ahead]
    let place = SIMD3<Double>(Double(position.x), -Double(position.y), Double(position.z))
    return Matrix3x4(axes.flatMap { [$0.x, $0.y, $0.z, -($0 * place).sum()] })
  }

  /// [R | t] from this camera's frame to another's: what belongs to depth when one picture is warped to the other.
  public func motion(to other: StreetCamera) -> Matrix3x4 { other.worldToCamera * worldToCamera.rigidInverse }
}
